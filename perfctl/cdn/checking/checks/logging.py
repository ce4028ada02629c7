"""Are requests logged at all?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well


def judge(evidence: Evidence) -> Verdict:
    """Standard logs v1, deliveries of v2, or real-time logs."""
    setup = setup_in(evidence)
    if evidence.deliveries:
        return well(f"v2 to {', '.join(evidence.deliveries)}")
    if setup.logs_to:
        return well(f"v1 to {setup.logs_to}")
    if setup.realtime_logs:
        return well("real-time logs")
    v2 = "" if evidence.deliveries is not None else "; whether v2 is on may not be read (logs:DescribeDeliveries)"
    return Verdict(
        status="warn",
        observed=f"no standard logs: nothing can be told of hits, misses and errors{v2}",
        fix="Logging: {Enabled: true, IncludeCookies: false, Bucket: NAME.s3.amazonaws.com, Prefix: cdn/} with "
        "perfctl cdn apply FILE; then perfctl cdn logs report",
    )


RULE = Rule(name="access logs", area="logs", judge=judge, needs="setup")
