"""Do answers say what they are?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_pages


def judge(evidence: Evidence) -> Verdict:
    """Without Content-Type nothing is compressed, and browsers guess."""
    bad = [(page, "") for page in evidence.well_pages if not page.last.content_type and page.last.size_bytes]
    return of_pages(
        bad,
        status="warn",
        is_well="every answer says its type",
        observed="no Content-Type: the edge compresses nothing of it, and browsers guess",
        fix="send Content-Type from the origin",
    )


RULE = Rule(name="content-type", area="answer", judge=judge, needs="pages")
