"""Is a managed policy where it does not belong?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in
from perfctl.cdn.checking.setup import BehaviourSetup
from perfctl.cdn.delivery.policies import CACHING_DISABLED

_STATIC = (".css", ".js", ".mjs", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico", ".woff", ".woff2")
_FOLDERS = ("/static/", "/assets/", "/css/", "/js/", "/img/", "/images/", "/fonts/", "/_next/static/")


def judge(evidence: Evidence) -> Verdict:
    """CachingDisabled on patterns of files that do not change."""
    bad = [one for one in setup_in(evidence).behaviours if one.policy_id == CACHING_DISABLED and _is_static(one)]
    return of_behaviours(
        bad,
        status="warn",
        is_well="files are kept where their patterns say so",
        observed="CachingDisabled on patterns of files: each request goes to the origin",
        fix="CachePolicyId: 658327ea-f89d-4fab-a63d-7e88639e58f6 (CachingOptimized) there: perfctl cdn apply FILE",
    )


def _is_static(behaviour: BehaviourSetup) -> bool:
    pattern = (behaviour.pattern or "").lower()
    anchored = pattern if pattern.startswith(("/", "*")) else f"/{pattern}"
    reads_only = set(behaviour.methods) <= {"GET", "HEAD", "OPTIONS"}
    return reads_only and (anchored.endswith(_STATIC) or anchored.startswith(_FOLDERS))


RULE = Rule(name="managed policies", area="behaviours", judge=judge, needs="setup")
