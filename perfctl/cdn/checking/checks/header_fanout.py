"""Is a header of many values in the key?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well
from perfctl.cdn.checking.setup import BehaviourSetup

_SHARED_BY_FEW = frozenset(("user-agent", "referer", "cookie", "x-forwarded-for", "date", "if-none-match"))
"""Headers of which nearly every visitor sends another value."""


def judge(evidence: Evidence) -> Verdict:
    """User-Agent, Referer and their like split the cache by visitor; Host has few values, and is needed at times."""
    bad = {one.name: found for one in setup_in(evidence).behaviours if (found := _splitting(one))}
    if not bad:
        return well("no header of many values is in the key")
    return Verdict(
        status="warn",
        observed="headers with nearly as many values as visitors are in the key",
        fix="take them from the policy; CloudFront-Is-Mobile-Viewer has two values, CloudFront-Viewer-Country "
        "some; send the rest to the origin by an origin request policy",
        objects=[f"{name}: {', '.join(found)}" for name, found in bad.items()],
        value=sum(map(len, bad.values())),
        unit="count",
    )


def _splitting(behaviour: BehaviourSetup) -> tuple[str, ...]:
    policy = behaviour.policy
    if policy is None or not policy.caches or behaviour.kind == "managed":
        return ()
    return tuple(name for name in policy.headers.names if name in _SHARED_BY_FEW)


RULE = Rule(name="headers", area="key", judge=judge, needs="setup")
