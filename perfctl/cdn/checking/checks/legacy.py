"""Are behaviours without a cache policy left?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in


def judge(evidence: Evidence) -> Verdict:
    """ForwardedValues: no brotli, and what goes to the origin splits the cache."""
    return of_behaviours(
        [one for one in setup_in(evidence).behaviours if one.kind == "legacy"],
        status="warn",
        is_well="every behaviour has a cache policy",
        observed="ForwardedValues: no brotli, and all that goes to the origin splits the cache",
        fix="CachePolicyId in place of ForwardedValues, MinTTL, DefaultTTL and MaxTTL (null takes them away): "
        "perfctl cdn apply FILE",
    )


RULE = Rule(name="forwarded values", area="behaviours", judge=judge, needs="setup")
