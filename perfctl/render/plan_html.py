"""A plan as a page for a browser that needs nothing beside itself, and no script: figures, findings, picture, nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from perfctl.db.model.plans import Finding, PlanNode, PlanReport
from perfctl.db.plans.naming import called
from perfctl.render.db_plan import details_of, facts_of
from perfctl.render.inert import inert
from perfctl.render.plan_svg import svg_of
from perfctl.render.plan_words import subplan_of
from perfctl.render.view import Cell
from perfctl.units import format_duration_ms, format_ratio

_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--pale:#59636e;--line:#d1d9e0;--bad:#b35900;--worst:#b3261e}
@media (prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--pale:#9198a1;--line:#3d444d;--bad:#f0b429;
--worst:#ff8a80}}
body{background:var(--paper);color:var(--ink);font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1040px;
padding:0 1rem}
h1{font-size:1.3rem}h2{font-size:1.1rem;margin-top:2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.3rem 0}dt{color:var(--pale)}
dd{margin:0;overflow-wrap:anywhere}pre{overflow-x:auto;white-space:pre-wrap;border:1px solid var(--line);padding:.6rem}
.finding{border-left:4px solid var(--line);padding:.1rem 1rem;margin:.8rem 0}
.warning{border-color:var(--bad)}.critical{border-color:var(--worst)}
.picture{overflow-x:auto}.picture svg{max-width:100%;height:auto}
details{margin-left:1rem;border-left:1px solid var(--line);padding-left:.6rem}summary{cursor:pointer}
.said{color:var(--pale);margin:.1rem 0 .3rem 1rem;overflow-wrap:anywhere;white-space:pre-wrap}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_of(report: PlanReport, *, title: str = "Query plan") -> str:
    """The page as the text of a file."""
    return page_of(title, body_of(report))


def page_of(title: str, body: Iterable[str]) -> str:
    """A page with this body, in the colours that the reader's browser prefers."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{_text(title)}</title><style>{_STYLE}</style></head>",
            f"<body><h1>{_text(title)}</h1>",
            *body,
            "</body></html>",
            "",
        ]
    )


def body_of(report: PlanReport) -> Iterator[str]:
    """What the page says of a plan; for pages of several."""
    yield _pairs((name, value.text if isinstance(value, Cell) else value) for name, value in facts_of(report))
    if report.sql:
        yield f"<pre>{_text(report.sql)}</pre>"
    yield "<h2>Findings</h2>"
    yield from map(_finding, report.findings)
    if not report.findings:
        yield "<p>Nothing found that is wrong with it.</p>"
    yield f'<h2>Where the time goes</h2><div class="picture">{svg_of(report)}</div>'
    yield "<h2>Nodes</h2>"
    yield from _node(report.plan)


def _finding(finding: Finding) -> str:
    said = _pairs((("seen", finding.evidence), ("cause", finding.cause), ("next", finding.next_step)))
    heading = f"<strong>{_text(finding.severity)} {_text(finding.code)}</strong> {_text(finding.node)}"
    return f'<div class="finding {finding.severity}">{heading}{said}</div>'


def _node(node: PlanNode) -> Iterator[str]:
    share = f" · {format_ratio(node.time_share)} · {format_duration_ms(node.self_ms)}" if node.self_ms else ""
    yield f"<details open><summary>{_text(subplan_of(node) + called(node) + share)}</summary>"
    yield f'<div class="said">{_text(chr(10).join(details_of(node)))}</div>'
    for child in node.children:
        yield from _node(child)
    yield "</details>"


def _pairs(pairs: Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    return f"<dl>{''.join(f'<dt>{_text(name)}</dt><dd>{_text(value)}</dd>' for name, value in pairs)}</dl>"


def _text(text: str) -> str:
    return escape(inert(text))
