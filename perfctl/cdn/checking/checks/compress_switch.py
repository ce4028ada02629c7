"""Is compression switched off where something is kept?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in
from perfctl.cdn.checking.checks.uncompressed import holds_text
from perfctl.cdn.checking.setup import BehaviourSetup


def judge(evidence: Evidence) -> Verdict:
    """Behaviours that keep text; what is never kept is never compressed, and pictures are it already."""
    bad = [
        one
        for one in setup_in(evidence).behaviours
        if one.caches and not one.compresses and holds_text(one.pattern) and not _is_for_packed(one)
    ]
    return of_behaviours(
        bad,
        status="warn",
        is_well="every behaviour that keeps text compresses",
        observed="Compress is false: viewers get text as it is, three to five times its size",
        fix="Compress: true on these behaviours: perfctl cdn apply FILE",
    )


def _is_for_packed(behaviour: BehaviourSetup) -> bool:
    """Whether its managed policy is the one for what is compressed already."""
    policy = behaviour.policy
    return behaviour.kind == "managed" and policy is not None and not (policy.gzip or policy.brotli)


RULE = Rule(name="switch", area="compression", judge=judge, needs="setup")
