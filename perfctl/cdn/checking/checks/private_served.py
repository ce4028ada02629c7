"""Does the edge serve from its cache what the origin says is private?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.checking.explaining.algebra import FORBIDDING
from perfctl.cdn.delivery.headers import directives

SHORT_SECONDS = 60
"""For so long a page that is the same for everybody may be kept against no-cache: CachingOptimized does for 1 s."""


def judge(evidence: Evidence) -> Verdict:
    """A hit whose own headers say that no shared cache may keep it.

    No failure where the words may have been set after the edge kept it, and where nobody's own content can be meant:
    no-cache alone, and files of S3, which sees nothing of who asks.
    """
    bad = [(page, names) for page in evidence.pages if (names := _names(page))]
    private = [(page, _told(page, names)) for page, names in bad if _is_private(evidence, page, names)]
    if private:
        return of_pages(
            private,
            status="fail",
            is_well="",
            observed="the edge serves to everybody what the origin says is private",
            fix="a cache policy with MinTTL 0 for them: perfctl cdn apply FILE; perfctl cdn headers URL tells why",
        )
    return of_pages(
        [(page, _told(page, names)) for page, names in bad if _is_odd(evidence, page)],
        status="warn",
        is_well="nothing private came from the cache",
        observed="served from the cache against these words, or they were set for viewers after it was kept",
        fix="perfctl cdn headers URL tells which; a cache policy with MinTTL 0 keeps nothing of the kind",
    )


def _names(page: Page) -> list[str]:
    is_hit = page.last.cache in ("hit", "refresh-hit")
    return [name for name in FORBIDDING if name in directives(page.last.cache_control)] if is_hit else []


def _told(page: Page, names: list[str]) -> str:
    return f"{page.last.cache}, {' and '.join(names)}"


def _is_private(evidence: Evidence, page: Page, names: list[str]) -> bool:
    if names == ["no-cache"] or evidence.changes_answers(page):
        return False
    return "private" in names or not _is_of_s3(evidence, page)


def _is_of_s3(evidence: Evidence, page: Page) -> bool:
    behaviour = evidence.behaviour_of(page)
    if evidence.setup is None or behaviour is None or behaviour.has_function("origin-request", "origin-response"):
        return False
    origins = evidence.setup.first_origins(behaviour)
    return bool(origins) and all(origin.is_s3 for origin in origins)


def _is_odd(evidence: Evidence, page: Page) -> bool:
    """Whether it is kept for longer than a moment, as far as is known."""
    ttl = page.last.ttl_seconds
    return ttl is None or ttl > SHORT_SECONDS or evidence.changes_answers(page)


RULE = Rule(name="private served", area="ttl", judge=judge, needs="pages")
