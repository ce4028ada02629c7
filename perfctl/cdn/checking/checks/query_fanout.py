"""Is every query string a copy of its own?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in


def judge(evidence: Evidence) -> Verdict:
    """All query strings in the key of what is kept without a word of the origin's; an API says its own times."""
    bad = [
        one
        for one in setup_in(evidence).behaviours
        if one.policy and one.caches and one.policy.default_ttl > 60 and one.policy.queries.mode == "all"
    ]
    return of_behaviours(
        bad,
        status="warn",
        is_well="only chosen query strings are in the key",
        observed="all query strings are in the key: each utm_source, each gclid is a miss",
        fix="QueryStringBehavior: whitelist with the parameters that change the answer; "
        "perfctl cdn simulate --drop-query shows what it gives",
    )


RULE = Rule(name="query strings", area="key", judge=judge, needs="setup")
