"""Are there behaviours that no request reaches?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well
from perfctl.cdn.checking.patterns import covering


def judge(evidence: Evidence) -> Verdict:
    """Those whose every path an earlier pattern takes, proved by containment of the patterns' languages."""
    patterns = [one.pattern for one in setup_in(evidence).behaviours if one.pattern]
    found = {pattern: covering(pattern, patterns[:at]) for at, pattern in enumerate(patterns)}
    bad = {pattern: before for pattern, before in found.items() if before}
    if not bad:
        return well("every pattern can be reached")
    return Verdict(
        status="fail",
        observed="patterns that no request reaches: earlier ones take all their paths",
        fix="put them before those: perfctl cdn apply FILE with CacheBehaviors in the order wanted; or remove: true",
        objects=[f"{pattern} lies within {' and '.join(before[:3])}" for pattern, before in bad.items()],
        value=len(bad),
        unit="count",
    )


RULE = Rule(name="unreachable", area="behaviours", judge=judge, needs="setup")
