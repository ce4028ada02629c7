"""Does the edge serve what is past its time?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.delivery.headers import directives


def judge(evidence: Evidence) -> Verdict:
    """A hit older than its TTL by these headers and this policy: stale on error, or kept under another policy."""
    bad = [
        (page, f"{-page.last.expires_in_seconds} s past")
        for page in evidence.pages
        if _is_past(page) and not evidence.changes_answers(page) and page.last.expires_in_seconds is not None
    ]
    return of_pages(
        bad,
        status="warn",
        is_well="nothing was served past its TTL",
        observed="served past their TTL: the origin fails, or a hit was kept under an earlier configuration",
        fix="look at the origin (perfctl cdn logs errors); perfctl cdn invalidate fetches it anew",
    )


def _is_past(page: Page) -> bool:
    answer = page.last
    if answer.cache != "hit" or answer.expires_in_seconds is None or "no-store" in directives(answer.cache_control):
        return False
    return answer.expires_in_seconds + answer.stale_while_revalidate_seconds < -1


RULE = Rule(name="age", area="answer", judge=judge, needs="pages")
