"""What the server knows of the relations of a plan: sizes, statistics, indexes, foreign keys, rights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from perfctl.db.model.plans import PlanNode, PlanReport
    from perfctl.db.postgres import Record, Session

_NO_TABLES = frozenset({"CTE Scan", "WorkTable Scan", "Named Tuplestore Scan", "Function Scan", "Table Function Scan"})
_STALE_ROWS, _STALE_SHARE = 1_000, 0.2
_SYSTEM = ("pg_catalog", "information_schema")


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

    @property
    def is_stale(self) -> bool:
        """Whether more than a fifth of its rows, and a thousand, changed since it was analyzed.

        Autovacuum analyzes a table at a tenth, by default.
        """
        rows = max(self.rows or 0.0, float(self.live), 1.0)
        return self.modified >= _STALE_ROWS and self.modified >= _STALE_SHARE * rows

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


async def gather(session: Session, report: PlanReport) -> Catalog:
    """The facts of the plan's relations, asked in read-only transactions.

    A column that this role may not see has no statistics here, never guessed ones. A name without a schema that
    stands in several is the one that the search_path of the role finds.
    """
    from perfctl.db.asking import ask

    names = _relations(report.plan)
    about = (await ask(session, "plan_surroundings"))[0]
    asked = [schema for schema, _ in names], [name for _, name in names]
    rows = await ask(session, "plan_tables", *asked) if names else []
    tables = _chosen(rows, set(names), _search_path(about["search_path"], about["role"]))
    oids = [row["oid"] for row in tables]
    answers = [
        await ask(session, name, oids) if oids else []
        for name in ("plan_columns", "plan_indexes", "plan_statistics", "plan_foreign_keys")
    ]
    columns, indexes, extended, keys = answers
    return Catalog(
        tables=tuple(_table(row, columns, indexes, extended) for row in tables),
        foreign_keys=tuple(_foreign_key(row) for row in keys),
        work_mem_kb=about["work_mem_kb"],
        extensions=tuple(about["extensions"]),
    )


def _relations(node: PlanNode) -> list[tuple[str, str]]:
    """Schema (empty where the plan does not say it) and name of each table, once."""
    found: dict[tuple[str, str], None] = {}
    stack = [node]
    while stack:
        one = stack.pop()
        stack += one.children
        if one.relation and one.node_type not in _NO_TABLES:
            found[(one.schema or "", one.relation)] = None
    return list(found)


def _search_path(text: str | None, role: str) -> list[str]:
    """The schemas in order: what `search_path` holds where no session changed it."""
    names = [name.strip().strip('"') for name in (text or "").split(",")]
    return [role if name == "$user" else name for name in names if name]


def _chosen(rows: Sequence[Record], names: set[tuple[str, str]], path: Sequence[str]) -> list[Record]:
    """Of tables of one name the one that was meant: the schema that was said, else the first of the path."""

    def rank(row: Record) -> int:
        if (row["schema"], row["name"]) in names:
            return -1
        if row["schema"] in _SYSTEM:
            return len(path) + 1
        return path.index(row["schema"]) if row["schema"] in path else len(path)

    best: dict[str, int] = {}
    for row in rows:
        best[row["name"]] = min(rank(row), best.get(row["name"], len(path) + 2))
    return [row for row in rows if rank(row) in (-1, best[row["name"]])]


def _table(row: Record, columns: Iterable[Record], indexes: Iterable[Record], extended: Iterable[Record]) -> TableFacts:
    oid = row["oid"]
    return TableFacts(
        schema=row["schema"],
        name=row["name"],
        kind=row["kind"],
        pages=row["pages"],
        rows=row["rows"],
        bytes=row["bytes"],
        live=row["live"],
        dead=row["dead"],
        modified=row["modified"],
        last_analyzed=row["last_analyzed"],
        last_vacuumed=row["last_vacuumed"],
        can_see_statistics=row["can_see_statistics"],
        partition_key=row["partition_key"],
        parent=row["parent"],
        columns=tuple(_column(one) for one in columns if one["oid"] == oid),
        indexes=tuple(_index(one) for one in indexes if one["oid"] == oid),
        extended=tuple(tuple(one["columns"]) for one in extended if one["oid"] == oid),
    )


def _column(row: Record) -> ColumnFacts:
    return ColumnFacts(
        name=row["name"],
        type=row["type"],
        distinct=row["distinct_values"],
        null_share=row["null_share"],
        correlation=row["correlation"],
        common_share=row["common_share"],
    )


def _index(row: Record) -> IndexFacts:
    return IndexFacts(
        name=row["name"],
        method=row["method"],
        columns=tuple(row["columns"]),
        included=tuple(row["included"]),
        predicate=row["predicate"],
        is_unique=row["is_unique"],
        is_primary=row["is_primary"],
        is_valid=row["is_valid"],
        operator_classes=tuple(row["operator_classes"]),
        definition=row["definition"],
    )


def _foreign_key(row: Record) -> ForeignKey:
    return ForeignKey(
        name=row["name"],
        table=row["referring"],
        columns=tuple(row["columns"]),
        references=row["referenced"],
        is_indexed=row["is_indexed"],
    )
