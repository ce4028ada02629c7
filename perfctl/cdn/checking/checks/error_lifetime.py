"""Are errors of the origin kept for long?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well

LIMIT_SECONDS = 60


def judge(evidence: Evidence) -> Verdict:
    """5xx above a minute: the site stays broken after its origin is mended. 4xx are left alone below a day."""
    ttls = setup_in(evidence).error_ttls
    bad = [(status, ttl) for status, ttl in ttls if ttl > (LIMIT_SECONDS if status >= 500 else 86_400)]
    if not bad:
        return well(f"no server error is kept for more than {LIMIT_SECONDS} s")
    longest = max(ttl for _, ttl in bad)
    return Verdict(
        status="warn",
        observed=f"errors stay for up to {longest} s after the origin is well again",
        fix="CustomErrorResponses: [{ErrorCode: 503, ErrorCachingMinTTL: 5}] with perfctl cdn apply FILE",
        objects=[f"{status}: {ttl} s" for status, ttl in bad],
        value=longest,
        unit="seconds",
        threshold=LIMIT_SECONDS,
    )


RULE = Rule(name="error lifetime", area="ttl", judge=judge, needs="setup")
