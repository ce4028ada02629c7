"""Do visitors get HTTP/2 and HTTP/3?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, off, setup_in, well

_FIX = "HttpVersion: http2and3 with perfctl cdn apply FILE: it costs nothing"


def judge(evidence: Evidence) -> Verdict:
    """Without HTTP/2 six requests at a time; HTTP/3 is a gain on bad networks."""
    version = setup_in(evidence).http_version
    if version == "http1.1":
        return Verdict(status="warn", observed="HTTP/1.1 only: six requests at a time", fix=_FIX)
    return off("HTTP/2 without HTTP/3", _FIX) if version == "http2" else well(version)


RULE = Rule(name="http version", area="viewer", judge=judge, needs="setup")
