"""Are the additional metrics on?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, off, setup_in, well


def judge(evidence: Evidence) -> Verdict:
    """Without them CloudWatch knows no hit rate and no latency of the origin."""
    if evidence.has_metrics is None:
        return off("whether additional metrics are on may not be read", "grant cloudfront:GetMonitoringSubscription")
    if evidence.has_metrics:
        return well("CacheHitRate, OriginLatency and errors by status are measured")
    return Verdict(
        status="warn",
        observed="additional metrics are off: CloudWatch knows no CacheHitRate and no OriginLatency",
        fix=f"aws cloudfront create-monitoring-subscription --distribution-id {setup_in(evidence).distribution_id} "
        "--monitoring-subscription RealtimeMetricsSubscriptionConfig={RealtimeMetricsSubscriptionStatus=Enabled}",
    )


RULE = Rule(name="additional metrics", area="logs", judge=judge, needs="setup")
