"""What a table, a tree or a text is, before anybody decides how to draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "warn", "bad", "dim", "strong"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table: its text, and how it should strike the eye."""

    text: str
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header (with its unit) and alignment; `wraps` is for prose: SQL, advice, paths."""

    header: str
    align: Literal["left", "right"] = "left"
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers, the most important row first."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    title: str | None = None
    caption: str | None = None
    empty: str = "nothing found"
    """What to say when there are no rows: what was looked at."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one a line."""

    pairs: tuple[tuple[str, Cell | str], ...]
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """A node's line and its children, drawn as branches."""

    label: tuple[Cell | str, ...]
    children: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A line or a paragraph, as it is."""

    text: str
    tone: Tone | None = None


Part = Table | Facts | Tree | Text


@dataclass(frozen=True, slots=True)
class View:
    """Everything that one answer shows, from top to bottom."""

    parts: tuple[Part, ...]


def view(*parts: Part | None) -> View:
    """A view of the parts that are there."""
    return View(tuple(part for part in parts if part is not None))
