"""Drawing what databases count of themselves."""

from __future__ import annotations

from typing import Literal

from perfctl.db.model.stats import DatabaseCounts, DatabaseStats
from perfctl.render.db_slow import milliseconds, queries_table
from perfctl.render.view import Cell, Column, Facts, Table, Text, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms, format_ratio

_LOW_HITS = 0.95
_WIDE = 110


def stats_view(result: DatabaseStats) -> View:
    """One database a fact a line, several a line each; then WAL, this process, and what must be known of it."""
    notes = Facts(tuple(("note", Cell(note, "warn")) for note in result.notes)) if result.notes else None
    queries = queries_table(result.queries) if result.queries else None
    counts = _one(result.rows[0], result) if len(result.rows) == 1 else _many(result)
    return view(Text(_head(result)), counts, Facts(_around(result)), queries, notes)


def _head(result: DatabaseStats) -> str:
    started = f"PostgreSQL {result.version} at {result.server}, up since {result.started:%Y-%m-%d %H:%M} UTC"
    if result.window_seconds is None:
        return started
    return f"{started}\ncounted for {format_duration_ms(result.window_seconds * 1000)}"


def _one(row: DatabaseCounts, result: DatabaseStats) -> Facts:
    since = "since the start of its statistics" if row.since is None else f"since {row.since:%Y-%m-%d %H:%M} UTC"
    counted = f", {since}" if result.window_seconds is None else ""
    rolled = f"{_counted(row.rollbacks, result)} rolled back ({format_ratio(row.rollback_ratio)})"
    pairs: list[tuple[str, Cell | str]] = [
        ("database", f"{row.database}{counted}; {_plural(row.connections, 'connection')} now"),
        ("transactions", f"{_counted(row.commits, result)} committed, {rolled}"),
    ]
    if row.calls is not None:
        mean = "" if row.mean_ms is None else f", {milliseconds(row.mean_ms)} ms each"
        took = f" in {format_duration_ms(row.calls_ms)}{mean}"
        pairs.append(("statements", f"{_counted(row.calls, result)} calls{took}"))
    asked = f"of {_counted(row.blks_hit + row.blks_read, result)} blocks"
    pairs.append(("buffer hits", Cell(f"{format_ratio(row.hit_ratio)} {asked}", _tone(row.hit_ratio))))
    if row.index_scans is not None:
        pairs.append(("  of tables", format_ratio(row.table_hit_ratio)))
        pairs.append(("  of indexes", format_ratio(row.index_hit_ratio)))
        scans = (
            f"{_counted(row.index_scans, result)} index scans, {_counted(row.sequential_scans or 0, result)} sequential"
        )
        pairs.append(("index use", f"{format_ratio(row.index_use_ratio)} of rows read; {scans}"))
    if row.io_ms is not None:
        pairs.append(("reading, writing", format_duration_ms(row.io_ms)))
    written = ((row.rows_inserted, "inserted"), (row.rows_updated, "updated"), (row.rows_deleted, "deleted"))
    pairs += [
        ("rows", ", ".join(f"{_counted(count, result)} {verb}" for count, verb in written)),
        ("temporary files", f"{_counted(row.temp_files, result)}, {_size(row.temp_bytes, result)}"),
        ("deadlocks", Cell(_counted(row.deadlocks, result), "warn" if row.deadlocks else None)),
    ]
    return Facts(tuple(pairs))


def _many(result: DatabaseStats) -> Table:
    columns = (
        Column("database"),
        Column("commits", "right"),
        Column("rolled back", "right"),
        Column("calls", "right", from_width=_WIDE),
        Column("time", "right", from_width=_WIDE),
        Column("hits", "right"),
        Column("by index", "right"),
        Column("temp", "right"),
        Column("deadlocks", "right"),
        Column("since (UTC)", from_width=_WIDE),
    )
    rows = tuple(
        (
            row.database,
            format_count(row.commits),
            format_ratio(row.rollback_ratio),
            format_count(row.calls),
            format_duration_ms(row.calls_ms),
            Cell(format_ratio(row.hit_ratio), _tone(row.hit_ratio)),
            format_ratio(row.index_use_ratio),
            format_bytes(row.temp_bytes),
            Cell(format_count(row.deadlocks), "warn" if row.deadlocks else None),
            f"{row.since:%Y-%m-%d %H:%M}" if row.since else "its start",
        )
        for row in result.rows
    )
    return Table(columns, rows)


def _around(result: DatabaseStats) -> tuple[tuple[str, Cell | str], ...]:
    """WAL of the whole server, then perfctl's own side."""
    wal, here = result.wal, result.process
    pairs: list[tuple[str, Cell | str]] = []
    if wal.bytes is not None:
        since = f", since {wal.since:%Y-%m-%d %H:%M} UTC" if wal.since and result.window_seconds is None else ""
        records = "" if wal.records is None else f" in {_counted(wal.records, result)} records"
        pairs.append(("WAL", f"{_size(wal.bytes, result)}{records}{since}"))
    pool = f"{here.in_use} in use, {here.idle} idle, {here.created} made, {here.waits} waits"
    pairs.append(("pool", f"{pool} ({format_duration_ms(here.wait_ms)}); of this process"))
    if here.executions:
        hits = f"{format_ratio(here.cache_hit_ratio)} from the cache, {here.failed} failed"
        pairs.append(("executions", f"the last {format_count(here.executions)}: {hits}; of this process"))
    return tuple(pairs)


def _counted(count: int, result: DatabaseStats) -> str:
    if result.window_seconds is None:
        return format_count(count)
    each = count / max(result.window_seconds, 0.001)
    return f"{each:.1f}/s" if each < 100 else f"{format_count(each)}/s"


def _size(size: int, result: DatabaseStats) -> str:
    seconds = result.window_seconds
    return format_bytes(size) if seconds is None else f"{format_bytes(size / max(seconds, 0.001))}/s"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _tone(ratio: float | None) -> Literal["warn"] | None:
    return "warn" if ratio is not None and ratio < _LOW_HITS else None
