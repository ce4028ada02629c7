"""What the server knows of the relations of a plan: sizes, statistics, indexes, foreign keys, rights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column; what pg_stats has of it is None where this role may not see it, or nothing was analyzed."""

    name: str
    type: str
    distinct: float | None = None
    """Distinct values: over 0 a number, under 0 a share of the rows (-1: unique)."""
    null_share: float | None = None
    correlation: float | None = None
    """Of the values' order with the order on disk, -1..1."""
    common_share: float | None = None
    """The most common value's share of the rows."""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """An index; `columns` are the keys as PostgreSQL writes them: names, or expressions."""

    name: str
    method: str
    columns: tuple[str, ...]
    included: tuple[str, ...] = ()
    predicate: str | None = None
    is_unique: bool = False
    is_primary: bool = False
    is_valid: bool = True
    operator_classes: tuple[str, ...] = ()
    definition: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: its table refers to another; `is_indexed` when an index leads with its columns."""

    name: str
    table: str
    columns: tuple[str, ...]
    references: str
    is_indexed: bool


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table, as the server has it."""

    schema: str
    name: str
    kind: str
    """`table`, `partitioned table`, `partition`, `materialized view`, `foreign table`."""
    pages: int
    rows: float | None
    """What the planner believes; None: never analyzed nor vacuumed."""
    bytes: int
    live: int
    dead: int
    modified: int
    """Rows changed since it was last analyzed."""
    last_analyzed: datetime | None
    last_vacuumed: datetime | None
    can_see_statistics: bool
    """Whether this role sees its rows of pg_stats; where not, no estimate is made of them."""
    columns: tuple[ColumnFacts, ...] = ()
    indexes: tuple[IndexFacts, ...] = ()
    extended: tuple[tuple[str, ...], ...] = ()
    """The columns of each extended statistics object."""
    partition_key: str | None = None
    parent: str | None = None

    @property
    def full_name(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> ColumnFacts | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The facts of one plan's relations. An empty one knows nothing, and nothing is claimed from it."""

    tables: tuple[TableFacts, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    """Those of the tables, and those that refer to them."""
    work_mem_kb: int | None = None
    extensions: tuple[str, ...] = ()

    def table(self, name: str | None, schema: str | None = None) -> TableFacts | None:
        """The table of that name; None where it is unknown, or two schemas have one and none is said."""
        found = [table for table in self.tables if table.name == name and schema in (None, table.schema)]
        return found[0] if len(found) == 1 else None
