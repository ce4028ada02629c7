"""From the statistics of columns to the share of each table and index that is air. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from perfctl.db.bloat import indexes, tables
from perfctl.db.bloat.layout import ColumnWidth

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


@dataclass(frozen=True, slots=True)
class Bloat:
    """How much of a table or index is air."""

    name: str
    oid: int
    size_bytes: float
    share: float
    """0..1: of the size, what a rewrite would give back."""
    fillfactor: int
    is_measured: bool = False
    """By pgstattuple, which read it; else estimated."""

    @property
    def wasted_bytes(self) -> float:
        """What a rewrite would give back."""
        return self.size_bytes * self.share


def table_bloat(rows: Sequence[Record]) -> Iterator[Bloat]:
    """One for each table whose columns all have statistics; of others nothing can be said."""
    for oid, group in groupby(rows, key=lambda row: row["oid"]):
        columns = list(group)
        first = columns[0]
        if any(row["average_bytes"] is None and not row["is_dropped"] for row in columns) or first["counted_rows"] < 0:
            continue
        widths = [_width(row) for row in columns]
        needed = tables.needed_pages(
            first["live_rows"], widths, page_bytes=first["page_bytes"], fillfactor=first["fillfactor"]
        )
        yield _bloat(oid, first, needed)


def index_bloat(rows: Sequence[Record]) -> Iterator[Bloat]:
    """One for each B-tree whose keys all have statistics."""
    for oid, group in groupby(rows, key=lambda row: row["oid"]):
        columns = list(group)
        if any(row["average_bytes"] is None for row in columns) or columns[0]["counted_rows"] < 0:
            continue
        first, count = columns[0], columns[0]["counted_rows"]
        needed = indexes.needed_pages(
            count, _keys(columns, count), page_bytes=first["page_bytes"], fillfactor=first["fillfactor"]
        )
        yield _bloat(oid, first, needed)


def _bloat(oid: int, row: Record, needed_pages: float) -> Bloat:
    size = row["size_bytes"]
    share = 1.0 - needed_pages * row["page_bytes"] / size if size else 0.0
    return Bloat(row["name"], oid, size, min(max(share, 0.0), 1.0), row["fillfactor"])


def _width(row: Record) -> ColumnWidth:
    if row["is_dropped"]:
        return ColumnWidth(0, "c", 0.0, 1.0)
    return ColumnWidth(row["length"], row["alignment"], row["average_bytes"], row["null_share"])


def _keys(columns: Sequence[Record], rows: float) -> indexes.Keys:
    widths = tuple(
        ColumnWidth(row["length"], row["alignment"], row["average_bytes"], row["null_share"]) for row in columns
    )
    first = columns[0]
    may = first["may_deduplicate"] and not first["is_unique"] and not first["has_included"]
    is_deduplicated = may and not any(row["is_unequal"] for row in columns)
    scale = first["table_rows"] if first["table_rows"] > 0 else rows
    distinct = 1.0
    for row in columns:
        distinct = min(distinct * max(_distinct(row, scale), 1.0), rows)
    common = tuple(first["common"] or ()) if len(columns) == 1 and not first["is_partial"] else ()
    return indexes.Keys(widths, distinct, common, is_deduplicated)


def _distinct(row: Record, rows: float) -> float:
    """pg_stats has a negative share of the rows where it thinks that they grow together."""
    counted: float = row["n_distinct"]
    return counted if counted >= 0 else -counted * rows
