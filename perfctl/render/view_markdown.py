"""A view as Markdown: tables as GitHub and GitLab show them, trees as nested lists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perfctl.render.inert import inert
from perfctl.render.view import Cell, Chart, Facts, Part, Table, Text, Tree, View, fitting

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown_of(view: View) -> Iterator[str]:
    """The parts, from top to bottom, a blank line between them."""
    for part in view.parts:
        yield from _part(part)
        yield ""


def _part(part: Part) -> Iterator[str]:
    if isinstance(part, Table):
        yield from _table(part)
    elif isinstance(part, Facts):
        yield from ([f"{text(part.title)}", ""] if part.title else [])
        yield from (f"- **{text(name)}**: {_cell(value)}" for name, value in part.pairs)
    elif isinstance(part, Tree):
        yield from _tree(part, 0)
    elif isinstance(part, Text):
        yield from _lines(part.text)
    elif isinstance(part, Chart):
        yield from (f"- {text(curve.name)}" for curve in part.curves)


def _table(table: Table) -> Iterator[str]:
    table = fitting(table)
    if table.title:
        yield from (text(table.title), "")
    if not table.rows:
        yield text(table.empty)
        return
    yield "| " + " | ".join(text(column.header) for column in table.columns) + " |"
    yield "|" + "|".join("---:" if column.align == "right" else "---" for column in table.columns) + "|"
    for row in table.rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"
    if table.caption:
        yield from ("", text(table.caption))


def _tree(tree: Tree, depth: int) -> Iterator[str]:
    first, *rest = "\n".join(cell if isinstance(cell, str) else cell.text for cell in tree.label).splitlines() or [""]
    indent = "  " * depth
    yield f"{indent}- {text(first)}"
    yield from (f"{indent}  {text(line.strip())}  " for line in rest if line.strip())
    for child in tree.children:
        yield from _tree(child, depth + 1)


def _lines(words: str) -> Iterator[str]:
    """Each line as a line: Markdown would join them."""
    for line in words.splitlines():
        yield f"- {text(line.strip())}" if line.startswith("  ") else text(line) + "  "


def _cell(cell: Cell | str) -> str:
    words = cell if isinstance(cell, str) else cell.text
    return text(words).replace("\n", "<br>")


def text(words: str) -> str:
    """Text that can be no markup."""
    return _ACTIVE.sub(r"\\\1", inert(words))
