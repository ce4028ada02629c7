"""The rows of a statement that only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class RowColumn:
    """A column of the rows: its name as in the rows, its type as PostgreSQL writes it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class QueryRows:
    """What a read returned, at most as many rows as were asked for."""

    listing: ClassVar[str] = "rows"

    columns: tuple[RowColumn, ...]
    """A second column of a name is `name_2`, and so on."""
    rows: tuple[Mapping[str, Any], ...]
    total: int
    """How many rows were seen; with `has_more` there are at least so many."""
    has_more: bool
    """Whether rows were left unread."""
