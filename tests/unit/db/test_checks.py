"""What each check makes of what the server says: without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import perfctl.db.checks
from perfctl.config.settings import CheckSettings
from perfctl.db.checks import FILES, areas, chosen, every_rule
from perfctl.db.checks.rule import Limits, ReplicaCounts, Rule, Server, Verdict
from perfctl.errors import UsageError

RULES: Mapping[str, Rule] = {rule.name: rule for rule in every_rule()}
NOT_CHECKS = {"__init__", "rule", "named_settings", "replicas", "bloated", "buffer_hits"}

FACTS: dict[str, Any] = {
    "role": "app", "superuser": False, "reads_statistics": True, "reads_tables": True, "is_replica": False,
    "preloaded": True, "extension_version": "1.12", "extension_schema": "public", "extension_schema_usable": True,
    "extension_readable": True, "available": True, "database": "shop",
}  # fmt: skip

INDEX: dict[str, Any] = {
    "name": "a", "table_name": "t", "method": "btree", "keys": [1], "included": [], "classes": "1978",
    "collations": "0", "options": "0", "expressions": None, "predicate": None, "is_unique": False, "is_valid": True,
    "is_constraint": False, "serves_foreign_key": False, "is_being_built": False, "size_bytes": 2 * 1024**2,
    "scans": 5, "counted_days": 30.0, "commits": 50_000, "replicas": 0,
}  # fmt: skip
COUNTERS = {
    "temp_files": 0, "temp_bytes": 0.0, "deadlocks": 0, "commits": 10_000, "rollbacks": 10, "days": 10.0,
    "work_mem": "4MB",
}  # fmt: skip
SETTINGS = (
    {"name": "fsync", "value": "on", "unit": None, "default_value": "on"},
    {"name": "idle_in_transaction_session_timeout", "value": "600000", "unit": "ms", "default_value": "0"},
    {"name": "statement_timeout", "value": "30000", "unit": "ms", "default_value": "0"},
)
PLANNER = {"random_page_cost": 1.1, "seq_page_cost": 1.0, "is_timed": True, "blocks_read": 20_000.0, "read_ms": 100.0}

Rows = Sequence[Mapping[str, Any]]
WELL: Mapping[str, Rows] = {
    "rights": (),
    "statements": (),
    "stale_statistics": (),
    "table_hits": ({"name": "t", "blocks_read": 10, "all_read": 10.0, "all_hit": 1e6},),
    "index_hits": ({"name": "i", "blocks_read": 10, "all_read": 10.0, "all_hit": 1e6},),
    "connections": ({"used": 5, "idle": 3, "available": 97},),
    "idle_in_transaction": (),
    "oldest_transaction": (),
    "blocked": (),
    "xid_age": ({"kind": "database", "name": "shop", "age": 1000, "autovacuum_at": 200_000_000},),
    "multixact_age": ({"kind": "database", "name": "shop", "age": 0, "autovacuum_at": 400_000_000},),
    "dead_tuples": (),
    "autovacuum": (),
    "unused_indexes": (INDEX,),
    "duplicate_indexes": (INDEX, {**INDEX, "name": "b", "keys": [2]}),
    "redundant_indexes": (INDEX, {**INDEX, "name": "b", "keys": [2, 1], "classes": "1978 1978", "options": "0 0"}),
    "invalid_indexes": (INDEX, {**INDEX, "name": "b", "is_valid": False, "is_being_built": True}),
    "null_heavy_indexes": (),
    "foreign_keys": ({"name": "fk", "table_name": "small", "table_rows": 10.0, "columns": "a"},),
    "sequences": (
        {"name": "s", "column_name": "t.id", "column_type": "integer", "last_value": 5, "share": 0.0,
         "is_unreadable": False},
    ),
    "replication_lag": ({"name": "r", "state": "streaming", "bytes": 100.0, "seconds": None},),
    "replication_slots": ({"name": "s", "is_active": True, "wal_status": "reserved", "bytes": 1e12},),
    "archiver": ({"mode": "on", "archived": 5, "failed": 1, "last_failed": None, "is_failing": False,
                  "failed_seconds": None},),
    "checkpoints": ({"timed": 100, "requested": 5, "max_wal_size": "1GB"},),
    "temp_files": (COUNTERS,),
    "deadlocks": (COUNTERS,),
    "rollbacks": (COUNTERS,),
    "settings_safety": SETTINGS,
    "settings_memory": (
        {"shared_buffers_bytes": 2**30, "effective_cache_bytes": 2**32, "database_bytes": 2**33},
    ),
    "settings_planner": (PLANNER,),
    "settings_timeouts": SETTINGS,
    "not_valid_constraints": (),
    "version": ({"version": "18.6", "major": 18, "today": date(2026, 11, 23)},),
    "backend_writes": ({"by_sessions": 10.0, "by_others": 1e6, "fsyncs": 0.0},),
    "disk": ({"wal_bytes": 1e6, "max_wal_bytes": 1e9, "keep_bytes": 0.0},),
}  # fmt: skip
ILL: Sequence[tuple[str, Rows, str, str]] = (
    ("stale_statistics", ({"name": "t", "changed": 50_000, "share": 0.9},), "warn", "ANALYZE t;"),
    ("table_hits", ({"name": "t", "blocks_read": 9, "all_read": 2e4, "all_hit": 1e5},), "fail", "shared_buffers"),
    ("index_hits", ({"name": "i", "blocks_read": 9, "all_read": 2e3, "all_hit": 1e5},), "warn", "shared_buffers"),
    ("connections", ({"used": 95, "idle": 90, "available": 97},), "fail", "pooler"),
    (
        "idle_in_transaction", ({"pid": 7, "username": "u", "application": "a", "seconds": 700.0},), "fail",
        "idle_in_transaction_session_timeout",
    ),
    ("oldest_transaction", ({"name": "pid 7 u", "seconds": 1000.0},), "warn", "perfctl db activity"),
    ("blocked", ({"pid": 7, "username": "u", "seconds": 61.0},), "fail", "perfctl db locks"),
    (
        "xid_age", ({"kind": "database", "name": "shop", "age": 1_900_000_000, "autovacuum_at": 200_000_000},), "fail",
        "VACUUM (FREEZE)",
    ),
    (
        "multixact_age", ({"kind": "database", "name": "d", "age": 1_200_000_000, "autovacuum_at": 400_000_000},),
        "warn", "VACUUM (FREEZE)",
    ),
    ("dead_tuples", ({"name": "t", "dead": 90_000, "share": 0.6},), "fail", "VACUUM (ANALYZE) t;"),
    ("autovacuum", ({"name": "t", "dead": 90_000, "is_off": True, "days": None},), "warn", "RESET (autovacuum"),
    ("unused_indexes", ({**INDEX, "scans": 0},), "warn", "DROP INDEX CONCURRENTLY a;"),
    ("duplicate_indexes", (INDEX, {**INDEX, "name": "b", "scans": 0}), "warn", "DROP INDEX CONCURRENTLY b;"),
    (
        "redundant_indexes", (INDEX, {**INDEX, "name": "b", "keys": [1, 2], "classes": "1978 1978", "options": "0 0",
                                      "collations": "0 0"}), "warn", "DROP INDEX CONCURRENTLY a;",
    ),
    ("invalid_indexes", ({**INDEX, "is_valid": False},), "warn", "REINDEX INDEX CONCURRENTLY a"),
    (
        "null_heavy_indexes", ({"name": "i", "column_name": "c", "share": 0.97, "size_bytes": 5e6},), "warn",
        '"c" IS NOT NULL',
    ),
    (
        "foreign_keys", ({"name": "fk", "table_name": "t", "table_rows": 1e6, "columns": "a, b"},), "warn",
        "CREATE INDEX CONCURRENTLY ON t (a, b);",
    ),
    (
        "sequences",
        ({"name": "s", "column_name": "t.id", "column_type": "integer", "last_value": 2_000_000_000, "share": 0.93,
          "is_unreadable": False},), "fail", "bigint",
    ),
    ("replication_lag", ({"name": "r", "state": "streaming", "bytes": 2e9, "seconds": 4.0},), "fail", "replica"),
    (
        "replication_slots", ({"name": "s", "is_active": False, "wal_status": "extended", "bytes": 2e9},), "warn",
        "pg_drop_replication_slot('s')",
    ),
    ("replication_slots", ({"name": "s", "is_active": False, "wal_status": "lost", "bytes": None},), "fail", "anew"),
    (
        "archiver",
        ({"mode": "on", "archived": 1, "failed": 9, "last_failed": "0001", "is_failing": True, "failed_seconds": 5.0},),
        "fail", "archive_command",
    ),
    ("checkpoints", ({"timed": 10, "requested": 90, "max_wal_size": "1GB"},), "warn", "max_wal_size"),
    ("temp_files", ({**COUNTERS, "temp_files": 9, "temp_bytes": 5e12},), "warn", "--by temp"),
    ("deadlocks", ({**COUNTERS, "deadlocks": 20},), "warn", "one order"),
    ("rollbacks", ({**COUNTERS, "rollbacks": 9000},), "warn", "logs"),
    ("settings_safety", ({**SETTINGS[0], "value": "off"},), "fail", "ALTER SYSTEM RESET fsync;"),
    (
        "settings_memory", ({"shared_buffers_bytes": 2**27, "effective_cache_bytes": 2**32, "database_bytes": 2**33},),
        "warn", "shared_buffers",
    ),
    ("settings_planner", ({**PLANNER, "random_page_cost": 4.0},), "warn", "random_page_cost = 1.1"),
    (
        "settings_timeouts", ({**SETTINGS[1], "value": "0"},), "warn", "idle_in_transaction_session_timeout = '10min'",
    ),
    ("not_valid_constraints", ({"name": "c", "table_name": "t"},), "warn", 'VALIDATE CONSTRAINT "c"'),
    ("version", ({"version": "13.23", "major": 13, "today": date(2026, 11, 23)},), "fail", "newer major version"),
    ("backend_writes", ({"by_sessions": 9e5, "by_others": 1e5, "fsyncs": 3.0},), "warn", "bgwriter"),
    ("disk", ({"wal_bytes": 6e9, "max_wal_bytes": 1e9, "keep_bytes": 0.0},), "fail", "db check replication"),
)  # fmt: skip
MEASURED = {"table_bloat", "index_bloat"}
"""They ask more once they have seen their rows: tested on real servers."""


def judged(name: str, rows: Rows, facts: Mapping[str, Any] = FACTS) -> tuple[str, Verdict]:
    rule = RULES[name]
    assert rule.judge is not None
    verdict = rule.judge(rows, rule.limits, Server(facts, 18))
    status = verdict.status or ("pass" if verdict.value is None else rule.limits.status(verdict.value))
    return ("off" if verdict.unavailable else status), verdict


def test_every_file_of_a_check_has_a_row() -> None:
    folder = Path(perfctl.db.checks.__path__[0])
    assert {path.stem for path in folder.glob("*.py")} - NOT_CHECKS == set(FILES)


def test_a_check_is_named_as_its_file() -> None:
    assert tuple(RULES) == FILES


def test_every_check_is_tried_well_and_ill() -> None:
    assert set(WELL) | MEASURED == set(FILES)
    assert {name for name, *_ in ILL} | {"rights", "statements"} | MEASURED == set(FILES)


@pytest.mark.parametrize("name", WELL)
def test_a_server_that_is_well_passes(name: str) -> None:
    assert judged(name, WELL[name])[0] == "pass"


@pytest.mark.parametrize(("name", "rows", "status", "fix"), ILL)
def test_what_is_ill_is_told_with_what_mends_it(name: str, rows: Rows, status: str, fix: str) -> None:
    found, verdict = judged(name, rows)
    assert (found, fix in (verdict.fix or "")) == (status, True), verdict


@pytest.mark.parametrize(
    ("name", "change"), [("rights", {"reads_statistics": False}), ("statements", {"preloaded": False})]
)
def test_what_this_role_lacks_is_told(name: str, change: dict[str, Any]) -> None:
    status, verdict = judged(name, (), {**FACTS, **change})
    assert status == "warn"
    assert verdict.fix is not None


@pytest.mark.parametrize("days", [0.5, 6.9])
def test_indexes_are_not_called_unused_before_a_week_is_over(days: float) -> None:
    assert judged("unused_indexes", ({**INDEX, "scans": 0, "counted_days": days},))[0] == "off"


@pytest.mark.parametrize("what", ["is_unique", "is_constraint", "serves_foreign_key"])
def test_an_index_that_something_leans_on_is_not_unused(what: str) -> None:
    assert judged("unused_indexes", ({**INDEX, "scans": 0, what: True},))[0] == "pass"


@pytest.mark.parametrize(
    ("replicas", "seen", "status"),
    [
        (ReplicaCounts(asked=1, scans={"a": 3}), 1, "pass"),
        (ReplicaCounts(asked=1, counted_days=90.0), 1, "warn"),
        (ReplicaCounts(asked=1, counted_days=0.5), 1, "off"),
        (ReplicaCounts(asked=1), 2, "off"),
        (ReplicaCounts(silent=1), 0, "off"),
        (None, 1, "off"),
        (None, 0, "warn"),
    ],
)
def test_an_index_that_replicas_may_read_is_not_unused(replicas: ReplicaCounts | None, seen: int, status: str) -> None:
    rule = RULES["unused_indexes"]
    assert rule.judge is not None
    verdict = rule.judge(({**INDEX, "scans": 0, "replicas": seen},), rule.limits, Server(FACTS, 18, replicas))
    found = "off" if verdict.unavailable else rule.limits.status(verdict.value or 0.0)
    assert found == status, verdict
    assert found == "warn" or "DROP" not in (verdict.fix or "")


@pytest.mark.parametrize(
    "change",
    [{"options": "3"}, {"predicate": "a > 1"}, {"method": "gin"}, {"collations": "950"}, {"is_unique": True}],
)
def test_an_index_that_differs_is_no_beginning_of_another(change: dict[str, Any]) -> None:
    longer = {**INDEX, "name": "b", "keys": [1, 2], "classes": "1978 1978", "options": "0 0", "collations": "0 0"}
    assert judged("redundant_indexes", ({**INDEX, **change}, longer))[0] == "pass"


def test_of_two_equal_indexes_the_one_that_a_constraint_needs_stays() -> None:
    needed = {**INDEX, "name": "pk", "is_constraint": True, "is_unique": True, "scans": 0}
    _, verdict = judged("duplicate_indexes", (INDEX, needed))
    assert verdict.objects == ["a (2.1 MB)"] or verdict.objects[0].startswith("a ")


def test_limits_say_which_was_passed() -> None:
    rising, falling = Limits(0.5, 0.9), Limits(0.99, 0.95, falling=True)
    assert [rising.status(value) for value in (0.4, 0.5, 0.95)] == ["pass", "warn", "fail"]
    assert [falling.status(value) for value in (1.0, 0.98, 0.9)] == ["pass", "warn", "fail"]
    assert (rising.threshold(0.1), rising.threshold(0.95), falling.threshold(0.98)) == (0.5, 0.9, 0.99)


def test_an_area_or_a_check_may_be_chosen() -> None:
    assert [rule.name for rule in chosen(["bloat", "version"])] == ["table_bloat", "index_bloat", "version"]
    assert "indexes" in areas()


def test_a_word_that_is_neither_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no area and no check 'indxes'") as caught:
        chosen(["indxes"])
    assert caught.value.hint == "did you mean 'indexes'?"


def test_settings_may_move_limits() -> None:
    own = CheckSettings(name="connections", warn=0.01)
    assert perfctl.db.checks._limits(RULES["connections"], own) == Limits(0.01, 0.95)
