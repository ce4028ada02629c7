"""Can a cache ask whether an answer has changed?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.delivery.compression import weakened
from perfctl.cdn.delivery.headers import Headers

LEAST_BYTES = 1_000


def judge(evidence: Evidence) -> Verdict:
    """Neither ETag nor Last-Modified on what is kept: each expiry fetches the whole; an ETag without quotes is none."""
    bad = [(page, why) for page in evidence.well_pages if (why := _why(page))]
    return of_pages(
        bad,
        status="warn",
        is_well="what is kept can be asked about",
        observed="after the TTL the whole answer is fetched again, changed or not",
        fix='send ETag: "hash of the content" (in quotes) or Last-Modified, and answer 304',
    )


def _why(page: Page) -> str | None:
    headers = Headers(page.last.headers)
    etag = headers.get("etag")
    if etag is not None and weakened(etag) is None:
        return f"ETag: {etag[:40]} is not in quotes"
    is_kept = page.last.is_cached is not False and page.last.size_bytes >= LEAST_BYTES
    return "no ETag, no Last-Modified" if is_kept and etag is None and "last-modified" not in headers else None


RULE = Rule(name="validators", area="answer", judge=judge, needs="pages")
