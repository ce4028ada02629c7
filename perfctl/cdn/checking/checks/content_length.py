"""Does the origin send text without Content-Length? Then the edge does not compress it."""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.checking.explaining.compressing import is_listed
from perfctl.cdn.delivery.compression import SMALLEST_BYTES
from perfctl.cdn.delivery.headers import Headers


def judge(evidence: Evidence) -> Verdict:
    """Of what is kept and has 1,000 bytes. Judged where nothing compressed it: the edge takes the length away then."""
    bad = [(page, page.last.content_type or "") for page in evidence.well_pages if _is_missing(page)]
    return of_pages(
        bad,
        status="warn",
        is_well="what could be compressed has a length",
        observed="no Content-Length: the edge compresses nothing that comes without",
        fix="have the origin send Content-Length (no chunked transfer) for text, or compress there",
    )


def _is_missing(page: Page) -> bool:
    answer = page.last
    if answer.size_bytes < SMALLEST_BYTES or answer.is_cached is False:
        return False
    is_bare = answer.content_encoding is None and Headers(answer.headers).get("content-length") is None
    return is_bare and is_listed(answer.content_type)


RULE = Rule(name="content-length", area="compression", judge=judge, needs="pages")
