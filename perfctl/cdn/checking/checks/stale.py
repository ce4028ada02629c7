"""Does a visitor wait for the origin each time that a short TTL ends?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.delivery.headers import directives

SHORT_SECONDS = 600


def judge(evidence: Evidence) -> Verdict:
    """What is kept for under ten minutes, without stale-while-revalidate; a player wants its list as it is now."""
    bad = [(page, f"kept for {page.last.ttl_seconds} s") for page in evidence.well_pages if _waits(page)]
    return of_pages(
        bad,
        status="warn",
        is_well="what is kept for a short time may be served while it is fetched anew",
        observed="after each TTL one visitor waits for the origin: no stale-while-revalidate",
        fix="Cache-Control: ..., stale-while-revalidate=60, stale-if-error=86400",
    )


def _waits(page: Page) -> bool:
    ttl = page.last.ttl_seconds
    rules = directives(page.last.cache_control)
    is_forbidden = rules.keys() & {"private", "no-store", "no-cache", "must-revalidate", "proxy-revalidate"}
    is_live = "mpegurl" in (page.last.content_type or "").lower() or "dash+xml" in (page.last.content_type or "")
    is_short = not is_live and ttl is not None and 0 < ttl < SHORT_SECONDS
    return is_short and not is_forbidden and "stale-while-revalidate" not in rules


RULE = Rule(name="stale while revalidate", area="ttl", judge=judge, needs="pages")
