"""Is content that is one visitor's own kept, because the policy's minimum TTL is above 0?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in
from perfctl.cdn.checking.patterns import path_left
from perfctl.cdn.checking.setup import BehaviourSetup

_NAMED = (
    *("/account", "/admin", "/basket", "/billing", "/cart", "/checkout", "/dashboard", "/login", "/logout", "/me"),
    *("/my-account", "/private", "/profile", "/user", "/wp-admin"),
)
"""Beginnings of paths whose content is one visitor's own, whatever the site."""


def judge(evidence: Evidence) -> Verdict:
    """By cdn.private_paths, by names that mean it anywhere, and by what identifies a visitor to the origin."""
    setup = setup_in(evidence)
    keeping = [one for one in setup.behaviours if one.policy is not None and one.policy.min_ttl > 0]
    private = [one for one in keeping if _is_private(one, evidence)]
    bad = private or [one for one in keeping if _sees_who_asks(one)]
    longest = max((one.policy.min_ttl for one in bad if one.policy), default=0)
    return of_behaviours(
        bad,
        status="fail" if private else "warn",
        is_well="nothing that is a visitor's own is kept against private and no-store",
        observed=f"private and no-store do not hold: kept for at least {longest} s and shared by all visitors",
        fix="a cache policy with MinTTL 0 there, or CachePolicyId 4135ea2d-6df8-44a3-9df3-4b5a84be39ad "
        "(CachingDisabled): perfctl cdn apply FILE",
    )


def _is_private(behaviour: BehaviourSetup, evidence: Evidence) -> bool:
    """Whether a private path falls to this behaviour."""
    setup = setup_in(evidence)
    position = setup.behaviours.index(behaviour)
    before = [one.pattern for one in setup.behaviours[:position] if one.pattern]
    if behaviour.pattern is None:
        return any(path_left(path, before) is not None for path in evidence.private_paths)
    pattern = behaviour.pattern if behaviour.pattern.startswith(("/", "*")) else f"/{behaviour.pattern}"
    is_named = any(pattern.startswith((f"{name}/", f"{name}*")) or pattern == name for name in _NAMED)
    return is_named or any(_meet(path, behaviour.pattern, before) for path in evidence.private_paths)


def _meet(path: str, pattern: str, before: list[str]) -> bool:
    """Whether a private path's pattern lies within this one, and not within those before it."""
    return path_left(path, [pattern]) is None and path_left(path, before) is not None


def _sees_who_asks(behaviour: BehaviourSetup) -> bool:
    """Whether the origin gets cookies that are not in the key, so that its answer may be one visitor's own."""
    policy, request = behaviour.policy, behaviour.request_policy
    is_sent = request is not None and request.cookies.mode == "all"
    return is_sent and policy is not None and policy.cookies.mode != "all"


RULE = Rule(name="private minimum TTL", area="ttl", judge=judge, needs="setup")
