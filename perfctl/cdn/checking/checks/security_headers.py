"""Do pages carry the headers that protect their visitors?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages, off
from perfctl.cdn.delivery.headers import Headers

_WANTED = ("strict-transport-security", "x-content-type-options")


def judge(evidence: Evidence) -> Verdict:
    """By the pages of HTML; over plain HTTP nobody heeds Strict-Transport-Security."""
    pages = [page for page in evidence.well_pages if (page.last.content_type or "").startswith("text/html")]
    if pages:
        return of_pages(
            [(page, f"no {', no '.join(_missing(page))}") for page in pages if _missing(page)],
            status="warn",
            is_well="pages carry Strict-Transport-Security and X-Content-Type-Options",
            observed="pages come without headers that protect their visitors",
            fix="ResponseHeadersPolicyId: 67f7725c-6f97-4210-82d7-5512b31e9d03 (SecurityHeadersPolicy) on it",
        )
    return off("no page of HTML was seen")


def _missing(page: Page) -> list[str]:
    headers = Headers(page.last.headers)
    is_plain = page.last.url.startswith("http://")
    return [name for name in _WANTED if name not in headers and not (is_plain and name == _WANTED[0])]


RULE = Rule(name="security headers", area="viewer", judge=judge, needs="pages")
