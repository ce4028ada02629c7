"""Is Accept-Encoding listed as a header of the cache key?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in


def judge(evidence: Evidence) -> Verdict:
    """Then each spelling of it is a copy of its own, and the edge does not compress."""
    bad = [
        one
        for one in setup_in(evidence).behaviours
        if one.policy and one.policy.headers.mode == "whitelist" and "accept-encoding" in one.policy.headers.names
    ]
    return of_behaviours(
        bad,
        status="fail",
        is_well="Accept-Encoding is in no list of headers",
        observed="Accept-Encoding is listed as a header: each spelling is a copy of its own, and nothing is compressed",
        fix="take it from the policy's headers, and set EnableAcceptEncodingGzip and EnableAcceptEncodingBrotli",
    )


RULE = Rule(name="accept-encoding in key", area="compression", judge=judge, needs="setup")
