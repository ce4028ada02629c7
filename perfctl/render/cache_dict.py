"""Drawing zstd dictionaries."""

from __future__ import annotations

from perfctl.cache.model.dictionaries import DictionaryListing, DictionaryRow, DictionaryTraining
from perfctl.render.view import Cell, Column, Facts, Table, Text, View, view
from perfctl.units import format_bytes, format_count, format_ratio


def training_view(result: DictionaryTraining) -> View:
    """What it gains, and whether it is in use now."""
    done = "stored: new values are written with it" if result.is_stored else "not stored"
    if result.dry_run and result.pays:
        done = "would be stored"
    facts = Facts(
        (
            ("namespace", result.namespace),
            ("samples", format_count(result.samples)),
            ("dictionary", f"{result.id or 'new'}, {format_bytes(result.size_bytes)}" if result.pays else "none"),
            ("it leaves", Cell(format_ratio(result.ratio), "good" if result.pays else "dim")),
            ("zstd alone", format_ratio(result.plain_ratio)),
        )
    )
    return view(facts, Text(f"{done}: {result.reason}" if result.reason else done, "good" if result.pays else "warn"))


def listing_view(result: DictionaryListing) -> View:
    """A dictionary a line; those in use stand out."""
    columns = (
        Column("namespace"),
        Column("id"),
        Column("in use"),
        Column("size", "right"),
        Column("leaves", "right"),
        Column("zstd", "right"),
        Column("samples", "right"),
        Column("kept", "right"),
    )
    where = "on this server" if result.namespace is None else f"for {result.namespace}"
    empty = f"no dictionary {where}: applications train them as they write, or perfctl cache dict train"
    return view(Table(columns, tuple(_row(row) for row in result.rows), empty=empty))


def _row(row: DictionaryRow) -> tuple[Cell | str, ...]:
    return (
        row.namespace,
        row.id,
        Cell("yes", "good") if row.is_current else Cell("no", "dim"),
        format_bytes(row.size_bytes),
        format_ratio(row.ratio),
        format_ratio(row.plain_ratio),
        format_count(row.samples),
        "for ever" if row.ttl_seconds is None else f"{row.ttl_seconds / 86400:.1f} d",
    )
