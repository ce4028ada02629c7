"""Times find their statements, plans their calls, whatever the settings that the server logs by."""

from __future__ import annotations

import json

import pytest

from perfctl.db.logs.following import MAX_WAITING, Executed, Follower
from perfctl.db.logs.record import Record, Tally

TEXT_PLAN = "Query Text: {}\nSeq Scan on t  (cost=0.00..35.50 rows=10 width=4) (actual time=0.1..0.2 rows=3 loops=1)"
JSON_PLAN = '{{\n  "Query Text": {},\n  "Plan": {{"Node Type": "Seq Scan"}}\n}}'


def said(message: str, *, session: str = "42", severity: str = "LOG", detail: str = "", statement: str = "") -> Record:
    return Record("", session, "jo", "shop", "", "", "", severity, message, detail, statement)


def followed(*records: Record) -> tuple[list[tuple[str, str, float | None, bool]], Tally]:
    """What ran, in order: kind, text, time, whether it has a plan; and what was counted."""
    tally = Tally()
    follower = Follower(tally)
    ran: list[Executed] = [*follower.executions(records), *follower.rest()]
    return [(one.kind, one.sql, one.took_ms, bool(one.plan)) for one in ran], tally


@pytest.mark.parametrize("time", ["9" * 400, "9" * 400 + ".0", "nan", "-5", "1e5", "inf"])
def test_a_time_that_no_server_writes_is_none(time: str) -> None:
    assert followed(said(f"duration: {time} ms  statement: SELECT 1"))[0] == []


@pytest.mark.parametrize(
    ("message", "ran"),
    [
        ("duration: 1.250 ms  statement: SELECT 1", ("statement", "SELECT 1", 1.25, False)),
        ("duration: 1.250 ms  execute <unnamed>: SELECT $1", ("execute", "SELECT $1", 1.25, False)),
        ("duration: 1.250 ms  execute S_1: SELECT ':'", ("execute", "SELECT ':'", 1.25, False)),
        ("duration: 1.250 ms  execute fetch from S_1/C_2: SELECT 1", ("execute", "SELECT 1", 1.25, False)),
        ("duration: 1.250 ms  parse S_1: SELECT\n1", ("parse", "SELECT\n1", 1.25, False)),
        ("duration: 1.250 ms  bind S_1/C_2: SELECT 1", ("bind", "SELECT 1", 1.25, False)),
    ],
)
def test_a_time_with_its_statement_is_one_execution(message: str, ran: tuple[str, str, float | None, bool]) -> None:
    assert followed(said(message))[0] == [ran]


def test_a_time_alone_is_that_of_the_statement_that_its_session_began() -> None:
    ran, tally = followed(
        said("statement: SELECT 1"),
        said("execute S_1: SELECT 2", session="43"),
        said("duration: 2.000 ms", session="43"),
        said("duration: 1.000 ms"),
        said("duration: 9.000 ms"),
    )
    assert ran == [("execute", "SELECT 2", 2.0, False), ("statement", "SELECT 1", 1.0, False)]
    assert (tally.unnamed_durations, tally.unnamed_ms) == (1, 9.0)


def test_statements_that_never_get_their_time_are_executions_without_one() -> None:
    ran, _ = followed(said("statement: SELECT 1"), said("statement: SELECT 2"))
    assert ran == [("statement", "SELECT 1", None, False), ("statement", "SELECT 2", None, False)]


def test_a_statement_that_fails_is_no_execution() -> None:
    ran, tally = followed(
        said("statement: SELECT 1/0"), said("division by zero", severity="ERROR", statement="SELECT 1/0")
    )
    assert (ran, tally.errors) == ([("failed", "SELECT 1/0", None, False)], 1)


def test_sessions_that_are_never_heard_of_again_are_let_go() -> None:
    records = (said(f"statement: SELECT {i}", session=str(i)) for i in range(MAX_WAITING + 5))
    assert len(Follower(Tally()).executions(records)) == 5


@pytest.mark.parametrize("plan", [TEXT_PLAN.format("SELECT 1"), JSON_PLAN.format(json.dumps("SELECT 1"))])
def test_the_plan_before_a_simple_statement_s_line_is_its_own(plan: str) -> None:
    ran, tally = followed(said(f"duration: 1.000 ms  plan:\n{plan}"), said("duration: 1.200 ms  statement: SELECT 1"))
    assert (ran, tally.plans) == ([("statement", "SELECT 1", 1.2, True)], 1)


def test_the_plan_behind_a_prepared_statement_s_line_is_its_own() -> None:
    ran, _ = followed(
        said("duration: 0.500 ms  plan:\n" + TEXT_PLAN.format("SELECT 0"), session="7"),
        said("duration: 1.200 ms  execute <unnamed>: SELECT 1"),
        said("duration: 1.000 ms  plan:\n" + TEXT_PLAN.format("SELECT 1")),
    )
    assert ran == [
        ("execute", "SELECT 1", 1.2, False),
        ("attached", "SELECT 1", 1.0, True),
        ("plan", "SELECT 0", 0.5, True),
    ]


def test_a_plan_of_a_statement_within_a_function_is_an_execution_of_its_own() -> None:
    ran, _ = followed(
        said("duration: 0.500 ms  plan:\n" + TEXT_PLAN.format("SELECT count(*) FROM t")),
        said("duration: 1.000 ms  plan:\n" + TEXT_PLAN.format("SELECT f(5)")),
        said("duration: 1.200 ms  statement: SELECT f(5)"),
    )
    assert ran == [("plan", "SELECT count(*) FROM t", 0.5, True), ("statement", "SELECT f(5)", 1.2, True)]


def test_an_execute_is_the_statement_that_was_prepared() -> None:
    ran, _ = followed(
        said(
            "duration: 1.000 ms  statement: EXECUTE foo(1, 'a,b')",
            detail="prepare: PREPARE foo(int, text) AS SELECT * FROM t WHERE id = $1 AND name = $2;",
        ),
        said("duration: 0.010 ms  statement: DEALLOCATE foo"),
    )
    assert ran == [("statement", "SELECT * FROM t WHERE id = $1 AND name = $2;", 1.0, False)]


def test_what_happens_beside_statements_is_counted() -> None:
    _, tally = followed(
        said('temporary file: path "base/pgsql_tmp/pgsql_tmp1.0", size 1000', statement="SELECT 1"),
        said("process 1 still waiting for ShareLock on transaction 7 after 20.1 ms"),
        said("process 1 acquired ShareLock on transaction 7 after 143.2 ms"),
        said("checkpoint starting: time"),
        said("checkpoint starting: immediate force wait"),
        said('automatic vacuum of table "shop.public.t": index scans: 0'),
        said('automatic analyze of table "shop.public.t"'),
        said("connection authorized: user=jo database=shop"),
        said("canceling statement due to statement timeout", severity="ERROR"),
        said("deadlock detected", severity="ERROR"),
    )
    assert (tally.temp_files, tally.temp_bytes, tally.lock_waits, tally.lock_wait_ms) == (1, 1000, 1, 143.2)
    assert (tally.checkpoints, tally.checkpoints_requested, tally.connections) == (2, 1, 1)
    assert (tally.autovacuums, tally.autoanalyzes) == (1, 1)
    assert (tally.errors, tally.cancelled, tally.deadlocks) == (2, 1, 1)
