"""Drawing for pipes, cron and CI: full-width columns, no box, no escape, greppable."""

from __future__ import annotations

import unicodedata

from perfctl.render.inert import inert, inert_line
from perfctl.render.view import Cell, Chart, Column, Facts, Table, Text, Tree, View, fitting


def draw(view: View) -> str:
    """The view as plain columns, ending in a newline; a blank line between its parts."""
    return "\n".join(_part(part) for part in view.parts if not isinstance(part, Chart))


def text_of(cell: Cell | str) -> str:
    """A cell's text on one line."""
    text = cell if isinstance(cell, str) else cell.text
    return inert_line(text)


def width_of(text: str) -> int:
    """The columns that a text takes: an ideograph takes two, a combining mark none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _blanks(cell: str, width: int) -> str:
    return " " * (width - width_of(cell))


def _part(part: Table | Facts | Tree | Text) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Facts):
        return _facts(part)
    if isinstance(part, Tree):
        return "\n".join(_tree(part, "")) + "\n"
    return inert(part.text).rstrip("\n") + "\n"


def _table(table: Table) -> str:
    table = fitting(table)
    if not table.rows:
        return f"{table.empty}\n"
    cells = [[text_of(cell) for cell in row] for row in table.rows]
    lines = [[column.header.upper() for column in table.columns], *cells]
    widths = [max(width_of(line[i]) for line in lines) for i in range(len(table.columns))]
    title = [table.title] if table.title else []
    drawn = [_line(line, table.columns, widths) for line in lines]
    return "\n".join([*title, *drawn, *([table.caption] if table.caption else [])]) + "\n"


def _line(cells: list[str], columns: tuple[Column, ...], widths: list[int]) -> str:
    padded = (
        _blanks(cell, width) + cell if column.align == "right" else cell + _blanks(cell, width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def _facts(facts: Facts) -> str:
    width = max((width_of(name) for name, _ in facts.pairs), default=0)
    title = [facts.title] if facts.title else []
    return (
        "\n".join(
            [*title, *(f"{name}{_blanks(name, width)}  {text_of(value)}".rstrip() for name, value in facts.pairs)]
        )
        + "\n"
    )


def _tree(tree: Tree, indent: str) -> list[str]:
    label = "  ".join(text_of(cell) for cell in tree.label)
    return [indent + label, *(line for child in tree.children for line in _tree(child, indent + "  "))]
