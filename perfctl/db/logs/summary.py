"""Slow queries from log files: every statement counted, by shape, in one pass and flat memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

from perfctl.db.logs.bound import with_places, with_values
from perfctl.db.logs.clock import Clock
from perfctl.db.logs.following import Executed
from perfctl.db.logs.reading import Asked, executions
from perfctl.db.logs.record import Record, Tally, Told
from perfctl.db.logs.shapes import Shape, Shapes
from perfctl.db.model.logs import LogFacts
from perfctl.db.model.plans import PlanReport
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.redaction.passwords import without_passwords
from perfctl.db.statements.order import Wanted, ordered
from perfctl.errors import PerfctlError

_P95 = 0.95


def summary(
    paths: Sequence[str | Path],
    *,
    log_line_prefix: str | None = None,
    likely_prefix: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    wanted: Wanted | None = None,
    told: Told | None = None,
) -> SlowQueries:
    """The costliest shapes of query that the files tell of; perfctl's own left out.

    `paths` are names and patterns of csvlog, jsonlog and plain logs, compressed or not; `-` is stdin. `since` and
    `until` (UTC where they have no zone) hold for the time of each message. UsageError where a file is not there;
    what is in a file and cannot be read is counted in `log.broken`.
    """
    asked = Asked(
        paths=tuple(map(str, paths)), log_line_prefix=log_line_prefix, likely_prefix=likely_prefix, since=since,
        until=until, told=told,
    )  # fmt: skip
    wanted, tally, shapes = wanted or Wanted(), Tally(), Shapes()
    reader = _Counting(wanted, tally, shapes)
    for some in executions(asked, tally):
        reader.count(some)
    return _answer(shapes, tally, wanted)


class _Counting:
    """Counts executions into shapes, those that are asked for."""

    def __init__(self, wanted: Wanted, tally: Tally, shapes: Shapes) -> None:
        self._wanted, self._tally, self._shapes = wanted, tally, shapes
        self._is_of_all = wanted.user is wanted.database is wanted.application is None

    def count(self, executions: list[Executed]) -> None:
        """Count these."""
        for executed in executions:
            kind, sql, record = executed.kind, executed.sql, executed.record
            if not (self._is_of_all or self._is_asked_for(record)):
                continue
            if kind in _CALLS:
                shape = self._shapes.of(sql, record)
                shape.add(executed)
                if executed.plan and executed.took_ms is not None:
                    self._shapes.attach(shape, executed.plan, executed.took_ms)
            else:
                self._aside(executed)

    def _is_asked_for(self, record: Record) -> bool:
        wanted = self._wanted
        return (
            wanted.user in (None, record.user)
            and wanted.database in (None, record.database)
            and wanted.application in (None, record.application)
        )

    def _aside(self, executed: Executed) -> None:
        """What happened to a statement beside its calls."""
        kind, tally = executed.kind, self._tally
        took_ms = executed.took_ms or 0.0
        if kind == "parse":
            tally.parses, tally.parse_ms = tally.parses + 1, tally.parse_ms + took_ms
        elif kind == "bind":
            tally.binds, tally.bind_ms = tally.binds + 1, tally.bind_ms + took_ms
        elif kind == "failed":
            shape = self._shapes.seen(executed.sql)
            if shape is not None:
                shape.failed += 1
        else:
            shape = self._shapes.of(executed.sql, executed.record)
            shape.temp_bytes += executed.size_bytes
            if executed.plan:
                self._shapes.attach(shape, executed.plan, took_ms)


_CALLS = frozenset(("statement", "execute", "plan"))


def _answer(shapes: Shapes, tally: Tally, wanted: Wanted) -> SlowQueries:
    clock = Clock(tally)
    by_fingerprint = {shape.fingerprint: shape for shape in shapes if shape.calls and not shape.is_ours}
    rows = tuple(_row(shape, clock) for shape in by_fingerprint.values())
    first = min((row.first_seen for row in rows if row.first_seen), default=None)
    last = max((row.last_seen for row in rows if row.last_seen), default=None)
    databases = {name for shape in by_fingerprint.values() for name in shape.databases}
    answer = SlowQueries(
        rows=rows,
        total=len(rows),
        by=wanted.by,
        database=wanted.database or (databases.pop() if len(databases) == 1 else ""),
        source="logs",
        method=f"read from {tally.records} messages of its log",
        server=tally.files[0] if len(tally.files) == 1 else f"{len(tally.files)} log files",
        since=first,
        until=last,
        window_seconds=(last - first).total_seconds() if first and last else None,
        total_ms=0.0,
        log=_facts(shapes, tally),
        notes=tuple(_notes(shapes, tally)),
    )
    shown = ordered(answer, wanted)
    return replace(shown, rows=tuple(_finished(row, by_fingerprint[row.fingerprint]) for row in shown.rows))


def _row(shape: Shape, clock: Clock) -> SlowQuery:
    total_ms = shape.total_ms
    return SlowQuery(
        query=shape.text,
        fingerprint=shape.fingerprint,
        queryid=shape.queryid or None,
        database=_only(shape.databases),
        username=_only(shape.users),
        application=_only(shape.applications),
        calls=shape.calls,
        total_ms=round(total_ms, 3),
        mean_ms=round(shape.mean_ms, 4),
        min_ms=round(shape.min_ms, 4) if shape.timed else None,
        max_ms=round(shape.max_ms, 4) if shape.timed else None,
        stddev_ms=round(shape.stddev_ms, 4) if shape.timed else None,
        p95_ms=round(min(max(shape.sketch.quantile(_P95), shape.min_ms), shape.max_ms), 4) if shape.timed else None,
        temp_bytes=shape.temp_bytes,
        failed=shape.failed,
        first_seen=clock.moment(shape.first),
        last_seen=clock.moment(shape.last),
    )


def _finished(row: SlowQuery, shape: Shape) -> SlowQuery:
    """The row with what takes longer to write, of rows that are shown alone."""
    texts = (without_passwords(with_values(sql, detail)) for _, _, sql, detail in sorted(shape.samples, reverse=True))
    return replace(row, query=with_places(shape.text), samples=tuple(dict.fromkeys(texts)), plan=_plan(shape.plan))


def _plan(text: str) -> PlanReport | None:
    """The plan, None where auto_explain wrote none, or one that was cut."""
    if not text:
        return None
    from perfctl.db.plans import read_any

    try:
        return read_any(text)
    except PerfctlError:
        return None


def _only(names: set[str]) -> str | None:
    return next(iter(names)) or None if len(names) == 1 else None


def _facts(shapes: Shapes, tally: Tally) -> LogFacts:
    shared = {field.name for field in fields(Tally)} & {field.name for field in fields(LogFacts)}
    told = {name: getattr(tally, name) for name in shared}
    told |= {name: round(told[name], 3) for name in shared if name.endswith("_ms")}
    return LogFacts(
        **{
            **told,
            "files": tuple(tally.files),
            "statements": sum(shape.calls for shape in shapes) + shapes.evicted_calls,
            "untimed": sum(shape.calls - shape.timed for shape in shapes),
            "statements_ms": round(sum(shape.total_ms for shape in shapes) + shapes.evicted_ms, 3),
        }
    )


def _notes(shapes: Shapes, tally: Tally) -> list[str]:
    notes = list(tally.notes)
    if tally.broken:
        notes.append(f"pieces that could not be read, because they are cut, damaged or not of a log: {tally.broken}")
    if tally.undecoded:
        notes.append(f"bytes that are no UTF-8 and were replaced: {tally.undecoded}")
    if shapes.evicted:
        notes.append(
            f"{shapes.evicted} shapes that took the least time are not among the rows: {shapes.evicted_calls} calls, "
            f"{shapes.evicted_ms:.0f} ms"
        )
    if tally.unnamed_durations:
        notes.append(
            f"{tally.unnamed_durations} times ({tally.unnamed_ms:.0f} ms) have no statement: log_duration logs them "
            "of parse and bind, too, and of statements that log_statement leaves out"
        )
    return notes
