"""Drawing for a terminal with rich: boxed tables, branches, colour where the terminal has it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from perfctl.render.inert import inert, inert_line
from perfctl.render.plain import width_of
from perfctl.render.view import Cell, Chart, Column, Facts, Part, Table, Text, Tree, View, fitting

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text as RichText
    from rich.tree import Tree as RichTree

PROSE_WIDTH = 24
"""The narrowest that a column of prose may become before other columns fold, too."""

TONES = {"good": "green", "warn": "yellow", "bad": "bold red", "dim": "dim", "strong": "bold"}


def draw(view: View, *, caption: str, colour: bool, width: int, ascii_only: bool = False) -> str:
    """The view as text for a terminal of `width` columns; without `colour` not one escape byte is in it."""
    target = _Ascii() if ascii_only else io.StringIO()
    print_view(_console(target, colour=colour, width=width), view, caption=caption)
    return "".join(line.rstrip() + "\n" for line in target.getvalue().splitlines())


def print_view(console: Console, view: View, *, caption: str) -> None:
    """Print the view on a console of rich, with the caption under it."""
    for index, part in enumerate(view.parts):
        if index:
            console.print()
        console.print(_part(part, console), soft_wrap=isinstance(part, Text))
    console.print(caption, style="dim", highlight=False, markup=False)


class _Ascii(io.StringIO):
    """Makes rich draw its boxes and branches with ASCII."""

    encoding = "ascii"


def _console(target: io.StringIO, *, colour: bool, width: int) -> Console:
    from rich.console import Console

    return Console(
        file=target,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )


def _part(part: Part, console: Console) -> RenderableType:
    if isinstance(part, Table):
        return _table(part, console.width) if part.rows else _styled(Cell(part.empty, "dim"))
    if isinstance(part, Facts):
        return _facts(part)
    if isinstance(part, Tree):
        return _tree(part)
    if isinstance(part, Chart):
        return _chart(part, console)
    return _styled(Cell(part.text.rstrip("\n"), part.tone))


def _table(table: Table, width: int) -> RenderableType:
    from rich import box
    from rich.table import Table as RichTable

    table = fitting(table, width)
    if table.stacks and _too_wide(table, width):
        return _stacked(table)

    drawn = RichTable(
        box=box.SIMPLE_HEAD,
        title=table.title,
        caption=table.caption,
        show_edge=False,
        pad_edge=False,
        title_justify="left",
        caption_justify="left",
    )
    folds = _too_wide(table, width)
    for column in table.columns:
        keeps_line = not column.wraps and not (folds and column.align == "left")
        drawn.add_column(column.header, justify=column.align, overflow="fold", no_wrap=keeps_line)
    for row in table.rows:
        drawn.add_row(*(_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)))
    return drawn


def _stacked(table: Table) -> RenderableType:
    """Row by row, a column a line: nothing is left out, and nothing is folded letter by letter."""
    from rich.console import Group

    names = [inert_line(column.header) for column in table.columns]
    return Group(
        *(
            _facts(Facts(tuple(zip(names, row, strict=True)), title=f"row {number}"))
            for number, row in enumerate(table.rows, 1)
        )
    )


def _too_wide(table: Table, width: int) -> bool:
    """Whether the table is too wide even with its prose wrapped: then every text column folds, and nothing is cut."""
    least = 0
    for index, column in enumerate(table.columns):
        texts = [
            column.header,
            *(inert_line(cell if isinstance(cell, str) else cell.text) for cell in (row[index] for row in table.rows)),
        ]
        widest = max(width_of(text) for text in texts)
        least += min(widest, PROSE_WIDTH) if column.wraps else widest
    return least + 3 * (len(table.columns) - 1) > width


def _facts(facts: Facts) -> RenderableType:
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    drawn = RichTable(box=None, show_header=False, pad_edge=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in facts.pairs:
        drawn.add_row(name, _styled(value))
    return Group(RichText(inert(facts.title), style="italic"), drawn) if facts.title else drawn


def _chart(chart: Chart, console: Console) -> RichText:
    from rich.text import Text as RichText

    from perfctl.render.chart import draw as draw_chart

    colour = console.color_system is not None
    return RichText.from_ansi(
        draw_chart(chart, width=console.width, colour=colour, ascii_only=console.options.ascii_only)
    )


def _tree(tree: Tree) -> RichTree:
    from rich.tree import Tree as RichTree

    drawn = RichTree(_label(tree))
    _grow(drawn, tree)
    return drawn


def _grow(drawn: RichTree, tree: Tree) -> None:
    for child in tree.children:
        _grow(drawn.add(_label(child)), child)


def _label(tree: Tree) -> RenderableType:
    """A node's lines; what is indented stays so where it wraps."""
    from rich.console import Group
    from rich.text import Text as RichText

    lines = RichText("  ").join(_styled(cell) for cell in tree.label).split("\n")
    return lines[0] if len(lines) == 1 else Group(*(_indented(line) for line in lines))


def _indented(line: RichText) -> RenderableType:
    from rich.padding import Padding

    indent = len(line.plain) - len(line.plain.lstrip(" "))
    return Padding(line[indent:], (0, 0, 0, indent)) if indent else line


def _cell(cell: Cell | str, column: Column) -> RichText:
    """A cell on one line, but for a column of prose."""
    if column.wraps:
        return _styled(cell)
    return _styled(inert_line(cell) if isinstance(cell, str) else Cell(inert_line(cell.text), cell.tone))


def _styled(cell: Cell | str) -> RichText:
    from rich.text import Text as RichText

    text, tone = (cell, None) if isinstance(cell, str) else (cell.text, cell.tone)
    return RichText(inert(text), style=TONES.get(tone or "", ""))
