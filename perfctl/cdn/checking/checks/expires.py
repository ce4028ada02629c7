"""Do Expires, Pragma and Cache-Control say different things?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.checking.explaining.algebra import asked, fetched_at, seconds
from perfctl.cdn.delivery.headers import Headers, directives, tokens

TOLERANCE_SECONDS = 60


def judge(evidence: Evidence) -> Verdict:
    """Expires against max-age by more than a minute, no date at all, or Pragma: no-cache on what is to be kept."""
    bad = [(page, why) for page in evidence.pages if (why := _why(page))]
    return of_pages(
        bad,
        status="warn",
        is_well="Expires and Cache-Control agree",
        observed="old caches go by one header, new ones by another",
        fix="send Cache-Control alone: no Expires, no Pragma",
    )


def _why(page: Page) -> str | None:
    headers = Headers(page.last.headers)
    rules = directives(headers.get("cache-control"))
    max_age, expires = seconds(rules, "max-age"), headers.get("expires")
    if max_age and "no-cache" in tokens(headers.get("pragma")):
        return f"Pragma: no-cache beside max-age={max_age}"
    if max_age is None or expires is None:
        return None
    at = fetched_at(headers, now=0.0, age=None)
    by_date = asked(Headers((("Expires", expires),)), at)
    is_date = by_date is not None and by_date.rule.startswith("Expires - Date")
    if is_date and at == 0.0:
        return None
    if not is_date or by_date is None:
        return None if max_age == 0 else f"Expires: {expires} is no date beside max-age={max_age}"
    apart = abs((by_date.ttl_seconds or 0) - max_age)
    return f"Expires says {by_date.ttl_seconds} s, max-age {max_age} s" if apart > TOLERANCE_SECONDS else None


RULE = Rule(name="expires", area="answer", judge=judge, needs="pages")
