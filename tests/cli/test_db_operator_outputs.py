"""What an operator looks at while something is wrong, as it is drawn: sessions, locks, load, checks, reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from perfctl.db.model.activity import Activity, LockNode, LockTree, LockWait, ServerSession, Vitals, Watched
from perfctl.db.model.baselines import BaselineRecorded, PlannedQuery
from perfctl.db.model.reports import MissingSection, ReportWritten
from perfctl.diagnosis import Check, diagnose
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("db")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SERVER = "db.example.com:5432/trading"


def session(pid: int, query: str | None, **said: Any) -> ServerSession:
    fields: dict[str, Any] = {
        "backend_start": AT, "backend_type": "client backend", "database": "trading", "username": "app",
        "application": "orders-api", "client": "10.0.3.17", "state": "active", "wait": None, "duration_seconds": 4.2,
        "transaction_seconds": 4.3, "queryid": None, "query_start": AT, "blocked_by": (),
    }  # fmt: skip
    return ServerSession(pid=pid, query=query, **{**fields, **said})


UPDATE = "UPDATE accounts SET balance = balance - 100.00, changed_at = now() WHERE id = 4711 RETURNING balance"
IDLE = session(
    31337, "SELECT * FROM accounts WHERE id = 4711 FOR UPDATE", state="idle in transaction", username="billing",
    application="nightly-export", duration_seconds=754.0, transaction_seconds=811.5, wait="Client: ClientRead",
)  # fmt: skip
BLOCKED = session(
    31402, UPDATE, wait="Lock: transactionid", duration_seconds=640.0, transaction_seconds=640.0, blocked_by=(31337,)
)
SORTING = session(31466, "SELECT symbol,\n  sum(volume)\nFROM trades GROUP BY 1", wait="IO: BuffileWrite")
HIDDEN = session(
    31500, None, username="postgres", application=None, client=None, state=None, duration_seconds=None,
    transaction_seconds=None, query_start=None, database=None,
)  # fmt: skip
ACTIVITY = Activity(
    rows=(IDLE, BLOCKED, SORTING, HIDDEN),
    total=4,
    server=SERVER,
    connections=43,
    max_connections=100,
    states={"active": 3, "idle": 38, "idle in transaction": 1, "unknown": 1},
    unreadable=1,
)
ALTER = session(
    31450, "ALTER TABLE accounts ADD COLUMN note text", username="deploy", application="migrate",
    wait="Lock: relation", blocked_by=(31337, 31402), duration_seconds=611.0,
)  # fmt: skip
READER = session(31477, "SELECT count(*) FROM accounts", wait="Lock: relation", blocked_by=(31450,))
TREE = LockTree(
    rows=(
        LockNode(
            session=IDLE, waits_for=None, also_blocked_by=(), is_deadlocked=False, waiting=3,
            children=(
                LockNode(
                    session=BLOCKED,
                    waits_for=LockWait(lock_type="transactionid", object="row of public.accounts", mode="ShareLock",
                                       held_mode="ExclusiveLock", waited_seconds=640.0),
                    also_blocked_by=(), is_deadlocked=False, waiting=2,
                    children=(
                        LockNode(
                            session=ALTER,
                            waits_for=LockWait(lock_type="relation", object="table public.accounts",
                                               mode="AccessExclusiveLock", held_mode="RowExclusiveLock",
                                               waited_seconds=611.0),
                            also_blocked_by=(31337,), is_deadlocked=False, waiting=1,
                            children=(
                                LockNode(
                                    session=READER,
                                    waits_for=LockWait(lock_type="relation", object="table public.accounts",
                                                       mode="AccessShareLock", held_mode=None, waited_seconds=4.2),
                                    also_blocked_by=(), is_deadlocked=False, waiting=0, children=(),
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    ),
    total=1,
    server=SERVER,
    waiting=3,
    longest_wait_seconds=640.0,
)  # fmt: skip


def moment(number: int) -> Vitals:
    return Vitals(
        at=AT + timedelta(seconds=2 * number), connections=40 + number, max_connections=100, active=3 + number % 4,
        waiting=1 if number > 7 else 0, idle_in_transaction=number % 3, longest_statement_seconds=1.5 * number,
        longest_transaction_seconds=301.0, transactions_per_second=None if not number else 1200.0 + 80 * number,
        rollbacks_per_second=None if not number else 0.5, rows_read_per_second=None if not number else 48_000.0,
        rows_written_per_second=None if not number else 310.0, hit_ratio=None if not number else 0.98 + number / 1000,
        blocks_read_per_second=None if not number else 41.0,
        temp_bytes_per_second=None if not number else 2_500_000.0 * (number % 2),
        wal_bytes_per_second=None if not number else 1_300_000.0, deadlocks=None if not number else int(number == 5),
    )  # fmt: skip


CHECKS = (
    Check("xid", "xid_age", "fail", 'database trading is 1 900 000 000 ids old',
          fix='VACUUM (FREEZE); look for old transactions and slots first', value=0.885, unit="ratio",
          threshold=0.8),
    Check("indexes", "unused_indexes", "warn", "1 index was never read, 2.1 MB",
          fix="DROP INDEX CONCURRENTLY public.trades_note_idx;", value=1, unit="count", threshold=1,
          objects=("public.trades_note_idx (2.1 MB)",)),
    Check("indexes", "duplicate_indexes", "warn", "4 indexes are there twice, 120 MB",
          fix="DROP INDEX CONCURRENTLY public.a_very_long_index_name_that_somebody_chose_idx;",
          value=4, unit="count", threshold=1,
          objects=("public.a_very_long_index_name_that_somebody_chose_idx (64 MB)", "public.b (32 MB)",
                   "public.c (16 MB)", "public.d (8 MB)")),
    Check("bloat", "table_bloat", "off",
          "estimate unavailable: this role sees the statistics of its own tables alone",
          fix='GRANT pg_read_all_data TO "app";'),
    *(Check("settings", f"settings_{name}", "pass", "well") for name in ("safety", "memory", "planner", "timeouts")),
    *(Check("vacuum", f"vacuum_{number}", "pass", "well") for number in range(14)),
)  # fmt: skip
DOCTOR = (
    Check("postgres", "connect", "pass", "PostgreSQL 18.6 at db.example.com:5432/trading as app, 2.1 ms", took_ms=2.1),
    Check("postgres", "connections", "pass", "43 of 100 in use"),
    Check("postgres", "pooler", "pass",
          "a pooler such as PgBouncer stands between: prepared statements are not kept"),
    Check("postgres", "tls", "warn", "TLSv1.3, but sslmode require does not verify who answers",
          fix="database: {sslmode: verify-full, sslrootcert: /path/to/ca.pem}"),
    Check("postgres", "rights", "warn", "app sees only its own statements and sessions",
          fix='GRANT pg_monitor TO "app";'),
    Check("postgres", "pg_stats", "warn",
          "statistics of 0 of 97 tables are readable: estimates are unavailable for the others",
          fix='GRANT pg_read_all_data TO "app";'),
    Check("postgres", "pg_stat_statements", "fail",
          "pg_stat_statements is preloaded, but not created in database 'trading'",
          fix="CREATE EXTENSION pg_stat_statements;"),
    Check("postgres", "track_io_timing", "warn", "off: waiting for the disk is not told apart",
          fix="ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();"),
)  # fmt: skip
PLANS = (
    Check("plans", "settings", "warn", "the planner's settings changed: random_page_cost default → 1000"),
    Check("plans", "4be2c9d1f03a77aa", "fail",
          "public.orders is read whole, and was read by an index (index public.orders_customer is gone); "
          "cost 23.5 → 2,137",
          fix="perfctl db analyze shows the plan; record the baseline anew where this is meant",
          value=90.9, unit="ratio", threshold=1.2, objects=("SELECT * FROM orders WHERE customer_id = 500",)),
    Check("plans", "99aa00bb11cc22dd", "pass", "the same plan, cost 8.3 → 8.3", value=1.0, unit="ratio", threshold=2.0,
          objects=("SELECT id FROM customers WHERE email = 'user5@example.com'",)),
)  # fmt: skip


def planned(query: str, cost: float, **said: Any) -> PlannedQuery:
    fields: dict[str, Any] = {
        "fingerprint": "4be2c9d1f03a77aa", "is_generic": False, "buffers": 1200, "temp_blocks": 0, "rows": 5.0,
        "shape": "Seq Scan on orders", "accesses": (),
    }  # fmt: skip
    return PlannedQuery(query=query, cost=cost, **{**fields, **said})


RECORDED = BaselineRecorded(
    path="plans.json",
    database="trading",
    measured=1,
    unplanned=1,
    tables=1,
    queries=(
        planned("SELECT id FROM customers WHERE email = 'user5@example.com'", 8.3, buffers=3),
        planned("SELECT c.email, o.total FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.id = $1",
                25_423.4, buffers=None, is_generic=True),
        planned("SELECT * FROM gone", 0.0, buffers=None, error='relation "gone" does not exist (42P01)'),
    ),
)  # fmt: skip
WRITTEN = ReportWritten(
    path="report.html", format="html", size_bytes=184_321, redacted=True, status="fail",
    sections=("Checks", "Plans", "Locks", "Activity", "Settings", "Doctor"),
    missing=(MissingSection(section="slow queries", hint="CREATE EXTENSION pg_stat_statements;",
                            reason="pg_stat_statements is preloaded, but not created in database 'trading'"),),
)  # fmt: skip
ANSWERS: dict[str, tuple[tuple[str, ...], object]] = {
    "activity": (("db", "activity"), ACTIVITY),
    "activity-none": (("db", "activity"), replace(ACTIVITY, rows=(), total=0)),
    "activity-ended": (
        ("db", "activity"),
        replace(
            ACTIVITY, rows=(replace(IDLE, outcome="ended"), replace(BLOCKED, outcome="changed before")), total=2,
            action="terminate",
        ),
    ),
    "activity-dry": (
        ("db", "activity"),
        replace(ACTIVITY, rows=(replace(IDLE, outcome="would be ended"),), total=1, action="cancel", dry_run=True),
    ),
    "locks": (("db", "locks"), TREE),
    "locks-one": (
        ("db", "locks"),
        replace(TREE, waiting=1, rows=(replace(TREE.rows[0], waiting=1, children=(
            replace(TREE.rows[0].children[0], waiting=0, children=()),)),)),
    ),
    "locks-shorter": (("db", "locks"), replace(TREE, rows=(), total=0)),
    "locks-none": (("db", "locks"), replace(TREE, rows=(), total=0, waiting=0, longest_wait_seconds=None)),
    "locks-ended": (
        ("db", "locks"),
        replace(TREE, rows=(replace(TREE.rows[0], session=replace(IDLE, outcome="ended")),), action="terminate"),
    ),
    "watch": (
        ("db", "watch"),
        Watched(rows=tuple(moment(number) for number in range(10)), server=SERVER, interval_seconds=2.0),
    ),
    "watch-first": (("db", "watch"), Watched(rows=(moment(0),), server=SERVER, interval_seconds=0.5)),
    "check": (("db", "check"), diagnose(CHECKS)),
    "check-well": (("db", "check"), diagnose(CHECKS[4:])),
    "check-databases": (
        ("db", "check"),
        diagnose([replace(row, database=name) for name in ("trading", "archive") for row in CHECKS[1:4]]),
    ),
    "check-baseline": (("db", "check"), diagnose(PLANS)),
    "doctor": (("db", "doctor"), diagnose(DOCTOR)),
    "baseline": (("db", "baseline", "record"), RECORDED),
    "report": (("db", "report"), WRITTEN),
}  # fmt: skip


def drawn(name: str, output: str, width: int = 80) -> str:
    words, answer = ANSWERS[name]
    return drawn_as(answer, output, width, words=words)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_drawing_is_the_golden_one(name: str, width: int) -> None:
    text = drawn(name, "table", width)
    assert text == _golden(f"{name}-{width}.txt", text)


@pytest.mark.parametrize("name", ANSWERS)
def test_plain_text_is_the_golden_one(name: str) -> None:
    text = drawn(name, "plain")
    assert text == _golden(f"{name}-plain.txt", text)
    assert "\x1b" not in text
