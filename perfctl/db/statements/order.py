"""Which of many shapes of query are shown, and in what order: the same for every source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from perfctl.db.model.statements import SlowOrder, SlowQueries, SlowQuery, SlowSource
from perfctl.db.redaction.passwords import without_passwords
from perfctl.db.sqltext import fingerprint
from perfctl.errors import UsageError

DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: the order, and what passes."""

    by: SlowOrder = "total"
    limit: int | None = DEFAULT_LIMIT
    """At most so many rows; None: all."""
    min_mean_ms: float = 0.0
    min_calls: int = 0
    exclude: tuple[str, ...] = ()
    """Regular expressions (Python's, whatever the case): a shape whose text has a match for one is left out."""
    user: str | None = None
    database: str | None = None
    """None: the one of the connection, or whatever the source holds."""
    all_databases: bool = False
    application: str | None = None


_EVERY: frozenset[SlowOrder] = frozenset(("total", "mean", "calls"))
_KNOWN: Mapping[SlowSource, frozenset[SlowOrder]] = {
    "pg_stat_statements": _EVERY | {"io", "temp", "wal", "rows"},
    "history": _EVERY | {"io", "temp", "wal", "rows"},
    "logs": _EVERY | {"p95", "temp"},
    "live": _EVERY,
    "recorder": _EVERY | {"p95", "rows"},
}
"""What each source can be ordered by, because it measures it."""
_NAMED: Mapping[SlowSource, frozenset[str]] = {
    "pg_stat_statements": frozenset(("user", "database")),
    "history": frozenset(("user", "database")),
    "logs": frozenset(("user", "database", "application")),
    "live": frozenset(("user", "database", "application")),
    "recorder": frozenset(),
}
"""Whose statements each source can tell apart."""


def require(wanted: Wanted, source: SlowSource) -> None:
    """Return when the source measures what is asked for. UsageError names the sources that do; also for a bad pattern.

    pg_stat_statements keeps a mean and a standard deviation: no percentile can be made of them.
    """
    if wanted.by not in _KNOWN[source]:
        raise _unknown(f"--by {wanted.by}", source, [name for name, orders in _KNOWN.items() if wanted.by in orders])
    for option in ("user", "database", "application"):
        if getattr(wanted, option) is not None and option not in _NAMED[source]:
            raise _unknown(f"--{option}", source, [name for name, known in _NAMED.items() if option in known])
    _patterns(wanted)


def ordered(answer: SlowQueries, wanted: Wanted) -> SlowQueries:
    """The answer with the rows that pass, the costliest first, at most `limit` of them.

    `user`, `database` and `application` say what is looked at: shares and `total_ms` are of that. The other filters
    hide rows and leave the shares. What functions run is in the time of their callers, and not added to the total.
    Rows without a fingerprint get theirs when they are shown: for thousands of texts
    it takes longer than all the rest.
    """
    require(wanted, answer.source)
    looked_at = [row for row in answer.rows if _is_of(row, wanted)]
    total_ms = sum(row.total_ms for row in looked_at if row.toplevel is not False)
    patterns = _patterns(wanted)
    passed = [row for row in looked_at if _passes(row, wanted, patterns)]
    passed.sort(key=_key(wanted.by))
    return replace(
        answer,
        rows=tuple(_finished(row, total_ms) for row in passed[: wanted.limit]),
        total=len(passed),
        by=wanted.by,
        total_ms=round(total_ms, 3),
    )


def blocks_moved(row: SlowQuery) -> int:
    """Blocks read and written, of relations and of temporary files: what `--by io` orders by."""
    return sum(count or 0 for count in (row.shared_read_blks, row.shared_written_blks, row.temp_blks))


_COSTS: Mapping[SlowOrder, Callable[[SlowQuery], float | None]] = {
    "total": lambda row: row.total_ms,
    "mean": lambda row: row.mean_ms,
    "calls": lambda row: row.calls,
    "p95": lambda row: row.p95_ms,
    "io": blocks_moved,
    "temp": lambda row: row.temp_bytes,
    "wal": lambda row: row.wal_bytes,
    "rows": lambda row: row.rows,
}


def _key(by: SlowOrder) -> Callable[[SlowQuery], tuple[float, float, str, str]]:
    cost = _COSTS[by]
    return lambda row: (-(cost(row) or 0.0), -row.total_ms, row.queryid or "", row.query)


def _finished(row: SlowQuery, total_ms: float) -> SlowQuery:
    share = round(row.total_ms / total_ms, 6) if total_ms else 0.0
    return replace(
        row,
        share=share,
        fingerprint=row.fingerprint or fingerprint(row.query),
        query=without_passwords(row.query),
        samples=tuple(without_passwords(sample) for sample in row.samples),
    )


def _is_of(row: SlowQuery, wanted: Wanted) -> bool:
    asked = ((wanted.user, row.username), (wanted.database, row.database), (wanted.application, row.application))
    return all(name is None or name == of for name, of in asked)


def _passes(row: SlowQuery, wanted: Wanted, patterns: list[re.Pattern[str]]) -> bool:
    return (
        row.mean_ms >= wanted.min_mean_ms
        and row.calls >= wanted.min_calls
        and not any(pattern.search(row.query) for pattern in patterns)
    )


def _patterns(wanted: Wanted) -> list[re.Pattern[str]]:
    patterns = []
    for text in wanted.exclude:
        try:
            patterns.append(re.compile(text, re.IGNORECASE | re.DOTALL))
        except re.error as error:
            raise UsageError(
                f"--exclude: {text!r} is no regular expression: {error}",
                hint="such as --exclude '^COPY' or --exclude pg_catalog",
                where="--exclude",
            ) from error
    return patterns


def _unknown(option: str, source: SlowSource, others: list[str]) -> UsageError:
    because = ": it keeps mean and standard deviation alone" if option == "--by p95" and source in _AGGREGATES else ""
    return UsageError(
        f"{option}: {_TITLES[source]} cannot tell{because}",
        hint=f"it is known to --source {' or '.join(_FLAGS[name] for name in others)}",
        where=option.split(maxsplit=1)[0],
    )


_AGGREGATES = ("pg_stat_statements", "history")
_TITLES: Mapping[SlowSource, str] = {
    "pg_stat_statements": "pg_stat_statements",
    "history": "the history of pg_stat_statements",
    "logs": "the server's log",
    "live": "a live sample",
    "recorder": "the application's own recorder",
}
_FLAGS: Mapping[str, str] = {
    "pg_stat_statements": "statements", "history": "history", "logs": "logs", "live": "live", "recorder": "recorder",
}  # fmt: skip
