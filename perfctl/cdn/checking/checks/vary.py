"""Does Vary keep caches from keeping?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.delivery.headers import Headers, tokens

_MANY = ("user-agent", "cookie", "referer", "authorization")


def judge(evidence: Evidence) -> Verdict:
    """Vary: * is a miss in every browser, a header of many values nearly so; without it codings are mixed up."""
    bad = [(page, why) for page in evidence.pages if (why := _why(page))]
    return of_pages(
        bad,
        status="warn",
        is_well="Vary names what the answer depends on",
        observed="browsers and proxies keep these badly",
        fix="Vary: Accept-Encoding for what is compressed; what else the answer depends on belongs in the URL",
    )


def _why(page: Page) -> str | None:
    names = tokens(Headers(page.last.headers).get("vary"))
    if "*" in names:
        return "Vary: * - no cache may answer from it"
    many = [name for name in names if name in _MANY]
    if many and page.last.is_cached is not False:
        return f"Vary: {', '.join(many)}"
    if page.last.content_encoding and "accept-encoding" not in names:
        return f"{page.last.content_encoding} without Vary: Accept-Encoding"
    return None


RULE = Rule(name="vary", area="answer", judge=judge, needs="pages")
