"""Does the edge answer with content?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_pages


def judge(evidence: Evidence) -> Verdict:
    """5xx is a failure; 4xx a page that is not there, or not for everybody."""
    broken = [(page, str(page.last.status)) for page in evidence.pages if page.last.status >= 500]
    if broken:
        fix = "look at the origin: perfctl cdn logs errors tells since when"
        return of_pages(broken, status="fail", is_well="", observed="the edge answers with errors", fix=fix)
    return of_pages(
        [(page, str(page.last.status)) for page in evidence.pages if page.last.status >= 400],
        status="warn",
        is_well=f"{len(evidence.pages)} looked at, none is an error",
        observed="pages that are not there, or not for everybody",
        fix="mend the links, or the origin",
    )


RULE = Rule(name="status", area="answer", judge=judge, needs="pages")
