"""A view as HTML: what a terminal shows as tables and trees, for a page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from perfctl.render.inert import inert
from perfctl.render.view import Cell, Chart, Curve, Facts, Part, Table, Text, Tree, View, fitting

STYLE = """
table{border-collapse:collapse;width:100%;margin:.6rem 0}th,td{padding:.25rem .6rem;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--pale);font-weight:600;white-space:nowrap}
.right{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.good{color:var(--good)}.warn{color:var(--bad)}.bad{color:var(--worst);font-weight:600}.dim{color:var(--pale)}
.strong{font-weight:600}ul.tree{list-style:none;border-left:1px solid var(--line);padding-left:1rem;margin:.2rem 0}
.line,.words{white-space:pre-wrap}.one{white-space:nowrap;overflow-wrap:normal}.wide{overflow-x:auto}
caption{text-align:left;color:var(--pale);padding:.2rem 0}
"""
"""Beside the page's own colours: --line, --pale, --good, --bad, --worst."""


def html_of(view: View) -> Iterator[str]:
    """The parts, from top to bottom."""
    for part in view.parts:
        yield from _part(part)


def _part(part: Part) -> Iterator[str]:
    if isinstance(part, Table):
        yield from _table(part)
    elif isinstance(part, Facts):
        yield from _facts(part)
    elif isinstance(part, Tree):
        yield '<ul class="tree">'
        yield from _tree(part)
        yield "</ul>"
    elif isinstance(part, Text):
        yield f'<p class="line {part.tone or ""}">{text(part.text)}</p>'
    elif isinstance(part, Chart):
        yield from (f"<p>{text(_curve(curve))}</p>" for curve in part.curves)


def _table(table: Table) -> Iterator[str]:
    table = fitting(table)
    if table.title:
        yield f"<p>{text(table.title)}</p>"
    if not table.rows:
        yield f"<p>{text(table.empty)}</p>"
        return
    kinds = [f"{column.align} {'words' if column.wraps else 'one'}" for column in table.columns]
    heads = "".join(f'<th class="{column.align}">{text(column.header)}</th>' for column in table.columns)
    yield f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>'
    for row in table.rows:
        cells = "".join(
            f'<td class="{_class(cell, kind)}">{_cell(cell)}</td>' for cell, kind in zip(row, kinds, strict=True)
        )
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"
    if table.caption:
        yield f"<p>{text(table.caption)}</p>"


def _facts(facts: Facts) -> Iterator[str]:
    if facts.title:
        yield f"<p>{text(facts.title)}</p>"
    pairs = "".join(
        f'<dt>{text(name)}</dt><dd class="{_class(value)}">{_cell(value)}</dd>' for name, value in facts.pairs
    )
    yield f"<dl>{pairs}</dl>"


def _tree(tree: Tree) -> Iterator[str]:
    label = " ".join(f'<span class="line {_class(cell)}">{_cell(cell)}</span>' for cell in tree.label)
    yield f"<li>{label}"
    if tree.children:
        yield '<ul class="tree">'
        for child in tree.children:
            yield from _tree(child)
        yield "</ul>"
    yield "</li>"


def _curve(curve: Curve) -> str:
    return f"{curve.name}: " + ", ".join(f"{x:g} → {y:.3f}" for x, y in curve.points)


def _class(cell: Cell | str, kind: str = "") -> str:
    tone = "" if isinstance(cell, str) else cell.tone or ""
    return f"{kind} {tone}".strip()


def _cell(cell: Cell | str) -> str:
    return text(cell if isinstance(cell, str) else cell.text)


def text(words: str) -> str:
    """Text that can neither be markup nor move anything."""
    return escape(inert(words))
