"""Does the policy keep the edge from compressing although the behaviour wants it?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in
from perfctl.cdn.checking.checks.uncompressed import holds_text


def judge(evidence: Evidence) -> Verdict:
    """Compress without gzip or brotli in the cache policy does nothing; without brotli it does less."""
    ready = [one for one in setup_in(evidence).behaviours if one.caches and one.compresses and holds_text(one.pattern)]
    neither = [one for one in ready if one.policy and not (one.policy.gzip or one.policy.brotli)]
    lacking = [one for one in ready if one.policy and one.kind == "own" and one.policy.gzip != one.policy.brotli]
    if neither:
        return of_behaviours(
            neither,
            status="warn",
            is_well="",
            observed="Compress is true, and the cache policy enables neither gzip nor brotli: nothing is compressed",
            fix="EnableAcceptEncodingGzip and EnableAcceptEncodingBrotli: true in the policy, or CachingOptimized",
        )
    return of_behaviours(
        lacking,
        status="warn",
        is_well="the policies enable what the behaviours want",
        observed="the cache policy enables one of gzip and brotli only",
        fix="EnableAcceptEncodingGzip and EnableAcceptEncodingBrotli: true in the cache policy",
    )


RULE = Rule(name="encodings", area="compression", judge=judge, needs="setup")
