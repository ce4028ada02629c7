"""What a table, a tree or a text is, before anybody decides how to draw it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Tone = Literal["good", "warn", "bad", "dim", "strong"]


class Cell(NamedTuple):
    """One value of a table: its text, and how it should strike the eye."""

    text: str
    tone: Tone | None = None


class Column(NamedTuple):
    """A column's header (with its unit) and alignment; `wraps` is for prose: SQL, advice, paths."""

    header: str
    align: Literal["left", "right"] = "left"
    wraps: bool = False
    from_width: int = 0
    """Left out on a terminal that is narrower: what is good to see, and in the document anyway."""
    narrow_only: int = 0
    """Only on a terminal that is narrower: what stands for columns that have no room there."""


class Table(NamedTuple):
    """Rows under headers, the most important row first."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    title: str | None = None
    caption: str | None = None
    empty: str = "nothing found"
    """What to say when there are no rows: what was looked at."""
    stacks: bool = False
    """Where the columns have no room on a terminal, each row is drawn as names and values, one below the other."""


def fitting(table: Table, width: int | None = None) -> Table:
    """The table without the columns that this width has no use for; where nothing bounds it, there is room for all."""
    kept = [index for index, column in enumerate(table.columns) if _fits(column, width)]
    if len(kept) == len(table.columns):
        return table
    rows = tuple(tuple(row[index] for index in kept) for row in table.rows)
    return table._replace(columns=tuple(table.columns[index] for index in kept), rows=rows)


def _fits(column: Column, width: int | None) -> bool:
    if width is None:
        return not column.narrow_only
    return column.from_width <= width and (not column.narrow_only or width < column.narrow_only)


class Facts(NamedTuple):
    """Names and values, one a line."""

    pairs: tuple[tuple[str, Cell | str], ...]
    title: str | None = None


class Tree(NamedTuple):
    """A node's line and its children, drawn as branches."""

    label: tuple[Cell | str, ...]
    children: tuple[Tree, ...] = ()


class Text(NamedTuple):
    """A line or a paragraph, as it is."""

    text: str
    tone: Tone | None = None


class Curve(NamedTuple):
    """A named line through points (x above 0, y of 0..1), by rising x."""

    name: str
    points: tuple[tuple[float, float], ...]


class Chart(NamedTuple):
    """Curves over a logarithmic axis of counts, for eyes: left out off a terminal, where a table has the figures."""

    curves: tuple[Curve, ...]
    x_label: str
    y_label: str


Part = Table | Facts | Tree | Text | Chart


class View(NamedTuple):
    """Everything that one answer shows, from top to bottom."""

    parts: tuple[Part, ...]


def view(*parts: Part | None) -> View:
    """A view of the parts that are there."""
    return View(tuple(part for part in parts if part is not None))
