"""Every source's rows are filtered and ordered alike, and none is asked for what it does not measure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perfctl.db.model.statements import SlowOrder, SlowQueries, SlowQuery, SlowSource
from perfctl.db.statements.hidden import is_hidden
from perfctl.db.statements.order import Wanted, ordered, require
from perfctl.db.statements.sources import Look
from perfctl.errors import UsageError


def row(query: str, calls: int, total_ms: float, **more: object) -> SlowQuery:
    known = {"fingerprint": "", **more}
    return SlowQuery(query=query, calls=calls, total_ms=total_ms, mean_ms=total_ms / calls, **known)  # type: ignore[arg-type]


ROWS = (
    row("SELECT a", 100, 50.0, username="app", database="d1", rows=1, wal_bytes=0, temp_bytes=0),
    row("SELECT b", 1, 100.0, username="app", database="d1", rows=500, wal_bytes=7, temp_bytes=0, shared_read_blks=3),
    row("VACUUM t", 2, 850.0, username="admin", database="d2", rows=0, wal_bytes=900, temp_bytes=8192, temp_blks=1),
)
ANSWER = SlowQueries(rows=ROWS, total=3, by="total", database="d1", source="pg_stat_statements", total_ms=0.0)


def shown(**wanted: object) -> list[str]:
    return [row.query for row in ordered(ANSWER, Wanted(**wanted)).rows]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("total", "VACUUM t"), ("mean", "VACUUM t"), ("calls", "SELECT a"), ("rows", "SELECT b"), ("io", "SELECT b"),
        ("temp", "VACUUM t"), ("wal", "VACUUM t"),
    ],
)  # fmt: skip
def test_the_costliest_by_the_wanted_measure_stands_first(by: SlowOrder, expected: str) -> None:
    assert shown(by=by)[0] == expected


def test_what_is_looked_at_makes_the_shares_and_what_is_hidden_does_not_change_them() -> None:
    everything = ordered(ANSWER, Wanted(exclude=("^vacuum",)))
    assert [(row.query, row.share) for row in everything.rows] == [("SELECT b", 0.1), ("SELECT a", 0.05)]
    assert (everything.total, everything.total_ms) == (2, 1000.0)
    of_app = ordered(ANSWER, Wanted(user="app", limit=1))
    assert [(row.query, row.share) for row in of_app.rows] == [("SELECT b", 0.666667)]
    assert (of_app.total, of_app.total_ms) == (2, 150.0)


def test_what_a_function_ran_is_in_the_time_of_its_caller() -> None:
    rows = (row("SELECT f()", 1, 100.0, toplevel=True), row("SELECT 1", 9, 80.0, toplevel=False))
    answer = ordered(SlowQueries(rows=rows, total=2, by="total", database="", source="live", total_ms=0.0), Wanted())
    assert (answer.total_ms, [row.share for row in answer.rows]) == (100.0, [1.0, 0.8])


def test_filters_leave_out_what_is_quick_or_rare() -> None:
    assert shown(min_mean_ms=1.0) == ["VACUUM t", "SELECT b"]
    assert shown(min_calls=2) == ["VACUUM t", "SELECT a"]
    assert shown(limit=None, database="d2") == ["VACUUM t"]


def test_a_shown_row_has_its_fingerprint() -> None:
    assert all(len(row.fingerprint) == 16 for row in ordered(ANSWER, Wanted()).rows)


def test_a_bad_pattern_is_named() -> None:
    with pytest.raises(UsageError, match=r"--exclude: '\(' is no regular expression"):
        shown(exclude=("(",))


@pytest.mark.parametrize(
    ("source", "wanted", "sources"),
    [
        ("pg_stat_statements", Wanted(by="p95"), "logs or recorder"),
        ("history", Wanted(by="p95"), "logs or recorder"),
        ("live", Wanted(by="wal"), "statements or history"),
        ("recorder", Wanted(user="app"), "statements or history or logs or live"),
        ("pg_stat_statements", Wanted(application="web"), "logs or live"),
    ],
)
def test_what_a_source_does_not_measure_is_refused_with_those_that_do(
    source: SlowSource, wanted: Wanted, sources: str
) -> None:
    with pytest.raises(UsageError) as caught:
        require(wanted, source)
    assert caught.value.hint == f"it is known to --source {sources}"


AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("look", "source"),
    [
        (Look(), "statements"), (Look(for_seconds=1.0), "statements"), (Look(since=AT), "history"),
        (Look(until=AT), "history"), (Look(log_files=("a.csv",)), "logs"), (Look(log_files=("a",), since=AT), "logs"),
        (Look(source="live"), "live"),
    ],
)  # fmt: skip
def test_the_source_follows_from_the_time_that_is_asked_for(look: Look, source: str) -> None:
    assert look.chosen == source


@pytest.mark.parametrize(
    "look",
    [
        Look(source="history", for_seconds=1.0), Look(source="live", since=AT), Look(source="statements", until=AT),
        Look(since=AT, for_seconds=1.0), Look(source="recorder", since=AT), Look(source="logs", for_seconds=1.0),
    ],
)  # fmt: skip
def test_a_source_that_does_not_know_the_time_is_refused(look: Look) -> None:
    with pytest.raises(UsageError):
        _ = look.chosen


@pytest.mark.parametrize(
    ("query", "hidden"),
    [
        ("SELECT /* perfctl */ 1", True), ("BEGIN", True), ("/* app */ set x = 1", True), ("explain select 1", True),
        ("COMMIT", False), ("SELECT 1", False), ("UPDATE t SET a = 1", False), ("SETTLE", False),
        ("SELECT current_setting($1) AS cur, set_config($2, $3, $4) AS new", True),
        ("SELECT set_config($1, $2, $3)", True), ("SELECT set_config($1, $2, $3) FROM t", False),
        ("COPY t FROM stdin", False), ("-- a\nSHOW ALL", True), ("REFRESH MATERIALIZED VIEW v", False),
    ],
)  # fmt: skip
def test_only_own_statements_and_those_that_steer_a_session_are_hidden(query: str, hidden: bool) -> None:
    assert is_hidden(query) is hidden
    assert is_hidden(query, "perfctl")
