"""A plan as a picture that needs nothing beside itself: a node a row, indented under the one that asks it for rows,
with a bar of its own time; every row says the rest under the pointer. It follows the reader's light or dark mode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from perfctl.db.model.plans import PlanNode, PlanReport
from perfctl.db.plans.naming import called
from perfctl.render.db_plan import details_of, marked
from perfctl.render.inert import inert, inert_line
from perfctl.render.plan_words import amount, cut, subplan_of
from perfctl.render.sql_line import line_of
from perfctl.units import format_count, format_duration_ms, format_ratio

_WIDTH, _ROW, _TOP, _MARGIN = 1000, 44, 84, 20
_BARS, _BAR_WIDTH = 640, 200
"""Where the bars begin, and how long one of the whole time is."""
_FIGURES = _BARS + _BAR_WIDTH + 10
_STEP, _DEEPEST = 16, 18
"""How far a node is indented below another; below so many all stand alike."""
_LETTER = 7.2
"""The width of a letter of the names, at the most."""
_HOT, _WARM = 0.5, 0.2
"""Shares of the time from which a bar is drawn hot, or warm."""

STYLE = """
.plan{font:13px system-ui,sans-serif;--paper:#fff;--ink:#1f2328;--pale:#59636e;--line:#d1d9e0;--cool:#0072b2;
--warm:#e69f00;--hot:#d55e00;--track:#eef1f4}
.plan .paper{fill:var(--paper)}.plan text{fill:var(--ink)}.plan .pale{fill:var(--pale);font-size:11px}
.plan .name{font-weight:600}.plan .head{font-size:16px;font-weight:600}.plan .never{opacity:.55}
.plan .track{fill:var(--track)}.plan .cool{fill:var(--cool)}.plan .warm{fill:var(--warm)}.plan .hot{fill:var(--hot)}
.plan .line{stroke:var(--line);fill:none}.plan .mark{fill:var(--hot);font-size:11px;font-weight:600}
.plan .row:hover .track{stroke:var(--pale)}
@media (prefers-color-scheme:dark){.plan{--paper:#0d1117;--ink:#e6edf3;--pale:#9198a1;--line:#3d444d;--cool:#56b4e9;
--warm:#f0b429;--hot:#ff8a4c;--track:#1b222c}}
"""
"""Colours that the colour-blind tell apart (Okabe, Ito: Color universal design, 2008), lighter ones on black."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A node in its row."""

    node: PlanNode
    row: int
    depth: int
    above: int | None
    """The row of the node above it."""
    share: float
    """Of the time of the whole; of its cost where nothing was measured."""


def svg_of(report: PlanReport) -> str:
    """The picture as the text of a file."""
    rows = list(_placed(report))
    height = _TOP + len(rows) * _ROW + _MARGIN
    marks = marked(report)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="plan" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" role="img" aria-label="{_text(_heading(report))}">',
            f"<title>{_text(_heading(report))}</title>",
            f"<desc>{_text(_description(report, rows))}</desc>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
            f'<text class="head" x="{_MARGIN}" y="32">{_text(_heading(report))}</text>',
            f'<text class="pale" x="{_MARGIN}" y="54">{_text(cut(line_of(report.sql), 150))}</text>',
            *(_line(placed) for placed in rows if placed.above is not None),
            *(part for placed in rows for part in _row(placed, marks.get(id(placed.node), ()))),
            "</svg>",
            "",
        ]
    )


def _placed(report: PlanReport) -> Iterator[_Placed]:
    """The nodes from top to bottom, parents first."""
    waiting: list[tuple[PlanNode, int, int | None]] = [(report.plan, 0, None)]
    row = 0
    while waiting:
        node, depth, above = waiting.pop()
        yield _Placed(node, row, depth, above, _share(node, report.plan))
        waiting.extend((child, depth + 1, row) for child in reversed(node.children))
        row += 1


def _share(node: PlanNode, root: PlanNode) -> float:
    if node.time_share is not None:
        return node.time_share
    if root.total_ms is not None or not root.total_cost:
        return 0.0
    own = node.total_cost - sum(child.total_cost for child in node.children)
    return min(max(own / root.total_cost, 0.0), 1.0)


def _heading(report: PlanReport) -> str:
    whole = report.execution_ms if report.execution_ms is not None else report.plan.total_ms
    if whole is None:
        run = "run without TIMING" if report.analyzed else "not run"
        return f"Plan, {run}: cost {format_count(report.plan.total_cost)}"
    planning = f", planned in {format_duration_ms(report.planning_ms)}" if report.planning_ms is not None else ""
    return f"Plan, run in {format_duration_ms(whole)}{planning}"


def _description(report: PlanReport, rows: list[_Placed]) -> str:
    """The picture in words: the three nodes that take the most, and what was found."""
    most = sorted(rows, key=lambda placed: -placed.share)[:3]
    said = "; ".join(f"{called(placed.node)}: {format_ratio(placed.share)}" for placed in most)
    found = ", ".join(dict.fromkeys(finding.code for finding in report.findings))
    return f"{len(rows)} nodes. {said}.{f' Found: {found}.' if found else ''}"


def _x(placed: _Placed) -> int:
    return _MARGIN + min(placed.depth, _DEEPEST) * _STEP


def _line(placed: _Placed) -> str:
    """From the node above down to this one."""
    x = _x(placed) - _STEP + 5
    top = _TOP + (placed.above or 0) * _ROW + 37
    bottom = _TOP + placed.row * _ROW + 13
    return f'<path class="line" d="M{x} {top}V{bottom}h{_STEP - 7}"/>'


def _row(placed: _Placed, codes: tuple[str, ...]) -> Iterator[str]:
    node, x, y = placed.node, _x(placed), _TOP + placed.row * _ROW
    never = " never" if node.loops == 0 else ""
    yield f'<g class="row{never}"><title>{_text(_said(node), is_line=False)}</title>'
    room = int((_BARS - 16 - x) / _LETTER)
    yield f'<text class="name" x="{x}" y="{y + 17}">{_text(cut(subplan_of(node) + called(node), room))}</text>'
    mark = f"▲ {', '.join(codes)}   " if codes else ""
    if mark:
        yield f'<text class="mark" x="{x}" y="{y + 33}">{_text(cut(mark, room))}</text>'
    indent = x + len(cut(mark, room)) * 6.4
    yield f'<text class="pale" x="{indent:.0f}" y="{y + 33}">{_text(_rows(node))}</text>'
    yield from _bar(placed, y)
    yield "</g>"


def _bar(placed: _Placed, y: int) -> Iterator[str]:
    node, share = placed.node, placed.share
    heat = "hot" if share >= _HOT else "warm" if share >= _WARM else "cool"
    yield f'<rect class="track" x="{_BARS}" y="{y + 6}" width="{_BAR_WIDTH}" height="14" rx="3"/>'
    if share > 0:
        width = max(share * _BAR_WIDTH, 1)
        yield f'<rect class="{heat}" x="{_BARS}" y="{y + 6}" width="{width:.1f}" height="14" rx="3"/>'
    if node.loops == 0:
        said = "never run"
    elif node.self_ms is None:
        said = f"cost {format_count(node.total_cost)}"
    else:
        said = f"{format_ratio(share)} · {format_duration_ms(node.self_ms)}"
    yield f'<text x="{_FIGURES}" y="{y + 17}">{_text(said)}</text>'
    if node.buffers is not None and (node.buffers.hit or node.buffers.read):
        blocks = f"{format_count(node.buffers.hit + node.buffers.read)} blocks"
        spilled = node.buffers.temp_written
        said = f"{blocks}, {format_count(spilled)} temp" if spilled else blocks
        yield f'<text class="pale" x="{_FIGURES}" y="{y + 33}">{_text(said)}</text>'


def _rows(node: PlanNode) -> str:
    if node.actual_rows is None or not node.loops:
        return f"{amount(node.plan_rows)} rows expected"
    loops = f" × {amount(node.loops)} loops" if node.loops != 1 else ""
    return f"{amount(node.actual_rows)} rows{loops}, {amount(node.plan_rows)} expected"


def _said(node: PlanNode) -> str:
    """What the pointer is told."""
    return "\n".join((f"{subplan_of(node)}{called(node)}", *details_of(node)))


def _text(text: str, *, is_line: bool = True) -> str:
    """Text for an XML file: escaped, and without the letters that XML does not have."""
    return escape(inert_line(text) if is_line else inert(text))
