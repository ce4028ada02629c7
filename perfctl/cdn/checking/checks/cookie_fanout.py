"""Does every visitor have a copy of their own, by cookies in the key?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in


def judge(evidence: Evidence) -> Verdict:
    """All cookies, or all but some, in the key of an own policy or of ForwardedValues that keep by default."""
    bad = [
        one
        for one in setup_in(evidence).behaviours
        if one.policy and one.caches and one.kind != "managed" and one.policy.default_ttl > 0
        if one.policy.cookies.mode in ("all", "allExcept")
    ]
    return of_behaviours(
        bad,
        status="warn",
        is_well="no behaviour keeps a copy for each visitor's cookies",
        observed="cookies of every name are in the key: each visitor fills a cache of their own",
        fix="CookieBehavior: whitelist with the cookies that change the answer, or none",
    )


RULE = Rule(name="cookies", area="key", judge=judge, needs="setup")
