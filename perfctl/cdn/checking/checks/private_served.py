"""Does the edge serve from its cache what the origin says is private?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_pages
from perfctl.cdn.checking.explaining.algebra import FORBIDDING
from perfctl.cdn.delivery.headers import directives


def judge(evidence: Evidence) -> Verdict:
    """A hit whose own headers say that no shared cache may keep it."""
    bad = []
    for page in evidence.pages:
        names = [name for name in FORBIDDING if name in directives(page.last.cache_control)]
        if names and page.last.cache in ("hit", "refresh-hit"):
            bad.append((page, f"{page.last.cache}, {' and '.join(names)}"))
    return of_pages(
        bad,
        status="fail",
        is_well="nothing private came from the cache",
        observed="the edge serves to everybody what the origin says is private",
        fix="a cache policy with MinTTL 0 for these paths: perfctl cdn apply FILE; perfctl cdn headers URL tells why",
    )


RULE = Rule(name="private served", area="ttl", judge=judge, needs="pages")
