"""Drawing what statements cost: slow queries, the history of them."""

from __future__ import annotations

from collections.abc import Callable

from perfctl.db.model.history import HistoryListing, Pruned, Recording
from perfctl.db.model.logs import LogFacts
from perfctl.db.model.statements import SlowOrder, SlowQueries, SlowQuery
from perfctl.render.sql_line import line_of
from perfctl.render.view import Cell, Column, Facts, Table, Text, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms

_QUERY_LENGTH = 120
_ID_LENGTH = 8
_WIDE = 110
_BAR_CELLS = 6
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def slow_queries_view(result: SlowQueries) -> View:
    """Whose queries, since when; then a query on a line, the costliest first; then what must be known of it."""
    empty = "no query passes the filters" if result.total_ms else "no query was counted"
    table = queries_table(result.rows, by=result.by, empty=empty)
    notes = Facts(tuple(("note", Cell(note, "warn")) for note in result.notes)) if result.notes else None
    return view(Text(_head(result)), table, _log_facts(result.log), notes)


def _log_facts(log: LogFacts | None) -> Facts | None:
    """What else the log files tell; what did not happen is left out."""
    if log is None:
        return None
    ran = f"{_counted(log.statements, 'statement')} in {format_duration_ms(log.statements_ms)}"
    steps = ((log.parses, "parse", log.parse_ms), (log.binds, "bind", log.bind_ms))
    before = [f"{_counted(count, step)} in {format_duration_ms(ms)}" for count, step, ms in steps if count]
    named = (
        (log.errors, "error", ""),
        (log.cancelled, "cancelled statement", ""),
        (log.deadlocks, "deadlock", ""),
        (log.temp_files, "temporary file", f" ({format_bytes(log.temp_bytes)})"),
        (log.lock_waits, "wait for a lock", f" ({format_duration_ms(log.lock_wait_ms)})"),
        (log.checkpoints, "checkpoint", f" ({format_count(log.checkpoints_requested)} requested)"),
        (log.autovacuums, "autovacuum", ""),
        (log.autoanalyzes, "autoanalyze", ""),
        (log.connections, "connection", ""),
    )
    beside = [f"{_counted(count, noun)}{more}" for count, noun, more in named if count]
    pairs = [("ran", ", ".join((ran, *before)))] + ([("beside", ", ".join(beside))] if beside else [])
    return Facts(tuple(pairs))


def _counted(count: int, noun: str) -> str:
    """`1 error`, `2 errors`, `3 waits for a lock`."""
    first, space, rest = noun.partition(" for ")
    return f"{format_count(count)} {first if count == 1 else f'{first}s'}{space}{rest}"


def queries_table(rows: tuple[SlowQuery, ...], *, by: SlowOrder = "total", empty: str = "") -> Table:
    """A query on a line, with the figure that the order is by."""
    extra = _EXTRA.get(by)
    columns = (
        Column("total ms", "right"),
        Column("share", "right"),
        Column("", from_width=_WIDE),
        Column("calls", "right"),
        Column("mean ms", "right"),
        *((Column(extra[0], "right"),) if extra else ()),
        Column("hit", "right", from_width=_WIDE),
        Column("id"),
        Column("query", wraps=True),
    )
    return Table(columns, tuple(_row(row, extra[1] if extra else None) for row in rows), empty=empty)


def _head(result: SlowQueries) -> str:
    """Which server and database, how many, in what order; since when and how long, by whom."""
    whose = result.database or "all databases"
    if result.source in ("logs", "recorder"):
        whose = result.database
    where = " of ".join(part for part in (whose, result.server) if part)
    shapes = f"{format_count(result.total)} shape{'' if result.total == 1 else 's'} of query by {result.by}"
    return f"{where}: {shapes}\n{_when(result)}\n{result.method or 'counted by pg_stat_statements'}"


_SINCE = {"recorder": "since the start", "logs": "no statement, and so no time"}
"""Where there is no first time, that is since when."""


def _when(result: SlowQueries) -> str:
    lasted = f" ({lasting(result.window_seconds)})" if result.window_seconds is not None else ""
    if result.since is None:
        return _SINCE.get(result.source, f"since the last reset{lasted}")
    until = f" until {result.until:%Y-%m-%d %H:%M:%S}" if result.until and result.source != "pg_stat_statements" else ""
    return f"since {result.since:%Y-%m-%d %H:%M:%S}{until} UTC{lasted}"


def lasting(seconds: float) -> str:
    """A time of days, or shorter."""
    return f"{seconds / 86_400:.1f} days" if seconds >= 2 * 86_400 else format_duration_ms(seconds * 1000)


def _row(row: SlowQuery, extra: Callable[[SlowQuery], str] | None) -> tuple[Cell | str, ...]:
    return (
        Cell(milliseconds(row.total_ms), "strong"),
        _percent(row.share),
        _bar(row.share),
        format_count(row.calls),
        milliseconds(row.mean_ms),
        *((extra(row),) if extra else ()),
        "-" if row.shared_hit_ratio is None else _percent(row.shared_hit_ratio),
        Cell(row.fingerprint[:_ID_LENGTH], "dim"),
        _cut(("(in a function) " if row.toplevel is False else "") + line_of(row.query)),
    )


def _blocks_moved(row: SlowQuery) -> str:
    moved = (row.shared_read_blks, row.shared_written_blks, row.temp_blks)
    return format_count(sum(count or 0 for count in moved))


_EXTRA: dict[SlowOrder, tuple[str, Callable[[SlowQuery], str]]] = {
    "rows": ("rows", lambda row: format_count(row.rows)),
    "io": ("blocks", _blocks_moved),
    "temp": ("temp", lambda row: format_bytes(row.temp_bytes)),
    "wal": ("WAL", lambda row: format_bytes(row.wal_bytes)),
    "p95": ("p95 ms", lambda row: "-" if row.p95_ms is None else milliseconds(row.p95_ms)),
}
"""The column that the order is by, where it is not there anyway; the document always has all of them."""


def recording_view(result: Recording) -> View:
    """What was added, and where."""
    if not result.recorded:
        return view(Text("not recorded: another recorder was quicker", "warn"))
    if result.is_first:
        head = f"the first recording: {format_count(result.statements)} shapes to compare the next one with"
    else:
        head = (
            f"recorded {lasting(result.covers_seconds or 0.0)}: {format_count(result.calls)} calls of "
            f"{format_count(result.changed)} shapes, {format_duration_ms(result.total_ms)}"
        )
    facts = [("file", result.file), ("at", f"{result.at:%Y-%m-%d %H:%M:%S} UTC")]
    facts += [("new shapes", format_count(result.new_texts))] if result.new_texts else []
    facts += [("removed", _recordings(result.pruned))] if result.pruned else []
    return view(Text(head), Facts(tuple(facts)))


def history_view(result: HistoryListing) -> View:
    """A recording on a line, the latest first."""
    columns = (
        Column("at (UTC)"),
        Column("covers", "right"),
        Column("shapes", "right"),
        Column("calls", "right"),
        Column("time", "right"),
        Column("lost", wraps=True),
    )
    rows = tuple(
        (
            f"{row.at:%Y-%m-%d %H:%M:%S}",
            "-" if row.covers_seconds is None else lasting(row.covers_seconds),
            format_count(row.shapes),
            format_count(row.calls),
            format_duration_ms(row.total_ms),
            Cell("; ".join(row.events), "warn"),
        )
        for row in result.rows
    )
    kept = f"{format_count(result.texts)} texts, {format_bytes(result.size_bytes)} in {result.file}"
    return view(Table(columns, rows, empty="nothing is recorded: perfctl db history record does"), Text(kept, "dim"))


def pruned_view(result: Pruned) -> View:
    """What went, what is left."""
    verb = "would be removed" if result.dry_run else "removed"
    freed = "" if result.dry_run else f", {format_bytes(result.freed_bytes)} given back"
    return view(Text(f"{_recordings(result.removed)} {verb}, {format_count(result.left)} left{freed}"))


def _recordings(count: int) -> str:
    return f"{format_count(count)} recording{'' if count == 1 else 's'}"


def milliseconds(value: float) -> str:
    """Three digits at least, thousands apart: a column of milliseconds can be compared."""
    return format_count(value) if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _bar(share: float) -> str:
    full, part = divmod(round(share * _BAR_CELLS * 8), 8)
    return "█" * full + (_EIGHTHS[part] if part else "")


def _cut(text: str) -> str:
    return text if len(text) <= _QUERY_LENGTH else text[: _QUERY_LENGTH - 1] + "…"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.01 or share == 0 else "<1 %"
