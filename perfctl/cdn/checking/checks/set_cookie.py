"""Is a cookie set on what everybody gets?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.delivery.headers import Headers, directives


def judge(evidence: Evidence) -> Verdict:
    """Set-Cookie on what the rules let a shared cache keep: one visitor's session for all."""
    kept = [page for page in evidence.pages if _is_shared(page)]
    bad = [(page, _cookie(page)) for page in kept if not _is_set_later(evidence, page)]
    return of_pages(
        bad,
        status="fail",
        is_well="nothing that is kept sets a cookie",
        observed="a cookie is set on what the edge keeps: every visitor of a hit gets the same one",
        fix="send no Set-Cookie there, or Cache-Control: private, no-store with a policy of MinTTL 0",
    )


def _is_set_later(evidence: Evidence, page: Page) -> bool:
    """Whether a function sets it for each viewer anew, after the cache."""
    behaviour = evidence.behaviour_of(page)
    return behaviour is not None and behaviour.has_function("viewer-response")


def _is_shared(page: Page) -> bool:
    if Headers(page.last.headers).get("set-cookie") is None:
        return False
    rules = directives(page.last.cache_control)
    is_told = bool(rules.keys() & {"public", "s-maxage"}) or page.last.cache in ("hit", "refresh-hit")
    return bool(page.last.is_cached) or (page.last.is_cached is None and is_told)


def _cookie(page: Page) -> str:
    return (Headers(page.last.headers).get("set-cookie") or "").partition("=")[0]


RULE = Rule(name="set-cookie", area="answer", judge=judge, needs="pages")
