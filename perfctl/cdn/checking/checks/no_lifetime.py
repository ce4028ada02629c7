"""Does the origin leave it to the edge for how long an answer is kept?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.checking.explaining.algebra import FORBIDDING, asked
from perfctl.cdn.delivery.headers import Headers, directives


def judge(evidence: Evidence) -> Verdict:
    """Answers without max-age, s-maxage and Expires: kept for the default TTL, a day as a rule, or not at all."""
    bad = [(page, _kept(page)) for page in evidence.well_pages if _is_silent(page)]
    return of_pages(
        bad,
        status="warn",
        is_well="every answer says for how long it may be kept",
        observed="the origin does not say for how long: the policy's default TTL decides",
        fix="send Cache-Control from the origin: public, max-age=60, or private for what is one visitor's own",
    )


def _is_silent(page: Page) -> bool:
    headers = Headers(page.last.headers)
    is_forbidden = directives(headers.get("cache-control")).keys() & set(FORBIDDING)
    policy = page.last.policy
    never = policy.max_ttl_seconds == 0
    return not is_forbidden and not never and asked(headers, 0.0) is None


def _kept(page: Page) -> str:
    ttl = page.last.ttl_seconds
    return "kept for an unknown time" if page.last.is_cached is None else f"kept for {ttl} s" if ttl else "not kept"


RULE = Rule(name="no lifetime", area="ttl", judge=judge, needs="pages")
