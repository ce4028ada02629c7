"""Trouble that only servers of their own can be in: replicas, slots, a failing archive, a pooler, what was prepared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from perfctl.config import DatabaseConfig
from perfctl.config.settings import CheckSettings
from perfctl.db.engine import DatabaseOptimizer
from perfctl.diagnosis import Check, Diagnosis
from perfctl.errors import PerfctlError
from tests.pgbouncer import pgbouncer
from tests.postgres_replica import PostgresReplica, replica_of
from tests.postgres_server import VERSIONS, PostgresServer, postgres_server

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("trouble")]

SETTINGS = {"archive_mode": "on", "archive_command": "'false'", "max_prepared_transactions": "4"}
SHOP = (
    "CREATE TABLE orders AS SELECT n AS id, n % 7000 AS customer, repeat('x', 20) AS note "
    "FROM generate_series(1, 60000) AS n",
    "CREATE INDEX orders_customer ON orders (customer)",
    "CREATE INDEX orders_note ON orders (note, id)",
    "ANALYZE orders",
)


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"pg{version}")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("trouble"), request.param, SETTINGS) as running:
        running.sql("CREATE DATABASE empty", "CREATE DATABASE shop", "CREATE ROLE looker LOGIN")
        running.sql(*SHOP, database="shop")
        yield running


@pytest.fixture(scope="module")
def replica(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresReplica]:
    with replica_of(server, tmp_path_factory.mktemp("replica")) as running:
        yield running


def checked(config: DatabaseConfig, *names: str) -> Mapping[str, Check]:
    async def scene() -> Diagnosis:
        async with DatabaseOptimizer(config) as engine:
            return await engine.check(names)

    return {row.check: row for row in asyncio.run(scene()).rows}


def doctored(config: DatabaseConfig) -> Mapping[str, Check]:
    async def scene() -> Diagnosis:
        async with DatabaseOptimizer(config) as engine:
            return await engine.doctor()

    return {row.check: row for row in asyncio.run(scene()).rows}


def shop(server: PostgresServer, **fields: Any) -> DatabaseConfig:
    return server.config(database="shop", **fields)


def until_true(server: PostgresServer, question: str) -> None:
    for _ in range(1200):
        if server.sql(question) == [["t"]]:
            return
        time.sleep(0.05)
    raise AssertionError(question)


def test_an_archive_that_fails_is_found(server: PostgresServer) -> None:
    server.sql("SELECT pg_switch_wal()")
    until_true(server, "SELECT failed_count > 0 FROM pg_stat_archiver")
    row = checked(shop(server), "archiver")["archiver"]
    assert (row.status, row.observed.startswith("archiving 0000")) == ("fail", True), row
    assert "archive_command" in (row.fix or "")


def test_every_check_answers_for_an_empty_database(server: PostgresServer) -> None:
    rows = checked(server.config(database="empty"))
    ill = {name for name, row in rows.items() if row.status in ("warn", "fail")}
    assert ill <= {"statements", "settings_safety", "settings_timeouts", "archiver", "version", "replication_slots"}
    assert not any("unavailable" in row.observed for row in rows.values())


def test_every_check_answers_on_a_replica(replica: PostgresReplica) -> None:
    rows = checked(shop(replica))
    assert rows["unused_indexes"].observed == "a replica cannot tell: ask the primary"
    assert rows["replication_lag"].observed.startswith("this replica is")
    assert rows["table_bloat"].status == "pass"
    assert "a replica" in doctored(shop(replica))["connect"].observed


def test_a_locked_table_holds_no_check_up_and_no_check_fails(server: PostgresServer) -> None:
    async def scene() -> Diagnosis:
        holder = await asyncpg.connect(host="127.0.0.1", port=server.port, user="postgres", database="shop")
        try:
            await holder.execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            async with DatabaseOptimizer(shop(server)) as engine:
                return await engine.check()
        finally:
            await holder.close()

    rows = asyncio.run(scene()).rows
    assert {row.status for row in rows if row.component in ("indexes", "bloat", "vacuum")} <= {"pass", "off"}


def test_an_index_that_only_a_replica_reads_is_not_unused(
    server: PostgresServer, replica: PostgresReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfctl.db.checks.unused_indexes.LEAST_DAYS", 0.0)
    monkeypatch.setattr("perfctl.db.checks.unused_indexes.LEAST_COMMITS", 0)
    monkeypatch.setattr("perfctl.db.checks.unused_indexes.LEAST_BYTES", 8192)
    replica.caught_up()
    unasked = checked(shop(server), "unused_indexes")["unused_indexes"]
    assert (unasked.status, "1 replica was not asked" in unasked.observed) == ("off", True), unasked
    replica.sql("SET enable_seqscan = off; SELECT * FROM orders WHERE customer = 5 LIMIT 1", database="shop")
    asking = shop(server, replica_dsns=(f"postgresql://postgres@127.0.0.1:{replica.port}/shop",))
    for _ in range(200):  # a session's counts are published when it ends, at the latest
        row = checked(asking, "unused_indexes")["unused_indexes"]
        if row.value == 1:
            break
        time.sleep(0.05)
    assert (row.status, [each.split()[0] for each in row.objects]) == ("warn", ["public.orders_note"]), row
    assert "here and on the replicas" in row.observed
    away = checked(shop(server, replica_dsns=("postgresql://postgres@127.0.0.1:1/shop",)), "unused_indexes")
    assert away["unused_indexes"].status == "off"


def test_a_replica_that_is_behind_is_found(server: PostgresServer, replica: PostgresReplica) -> None:
    limit = (CheckSettings(name="replication_lag", warn=100_000, fail=1e12),)
    replica.caught_up()
    assert checked(shop(server), "replication_lag")["replication_lag"].status == "pass"
    replica.sql("SELECT pg_wal_replay_pause()")
    try:
        server.sql("CREATE TABLE late AS SELECT n, repeat('y', 100) FROM generate_series(1, 20000) AS n")
        row = checked(shop(server, checks=limit), "replication_lag")["replication_lag"]
        assert (row.status, row.unit) == ("warn", "bytes")
        assert row.observed.startswith("walreceiver 127.0.0.1 is")
    finally:
        replica.sql("SELECT pg_wal_replay_resume()")
        server.sql("DROP TABLE late")


def test_a_slot_without_a_reader_is_found_and_one_whose_wal_is_lost(server: PostgresServer) -> None:
    limit = (CheckSettings(name="replication_slots", warn=1000, fail=1e12),)
    server.sql("SELECT pg_create_physical_replication_slot('forgotten', true)", "SELECT pg_switch_wal()")
    try:
        row = checked(shop(server, checks=limit), "replication_slots")["replication_slots"]
        assert (row.status, "1 of 1 slots" in row.observed or "slot" in row.observed) == ("warn", True), row
        assert "pg_drop_replication_slot('forgotten')" in (row.fix or "")
        server.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()")
        for _ in range(4):
            server.sql("SELECT pg_switch_wal()", "CREATE TABLE more (n int)", "DROP TABLE more", "CHECKPOINT")
        row = checked(shop(server), "replication_slots")["replication_slots"]
        assert (row.status, "is lost" in row.observed) == ("fail", True), row
    finally:
        server.sql("SELECT pg_drop_replication_slot('forgotten')", "ALTER SYSTEM RESET max_slot_wal_keep_size",
                   "SELECT pg_reload_conf()")  # fmt: skip


def test_an_index_whose_building_failed_is_found(server: PostgresServer) -> None:
    with pytest.raises(PerfctlError):
        server.sql("CREATE UNIQUE INDEX CONCURRENTLY orders_unique ON orders (note)", database="shop")
    try:
        row = checked(shop(server), "invalid_indexes")["invalid_indexes"]
        assert (row.status, row.observed) == ("warn", "1 index is invalid")
        assert row.fix == (
            "REINDEX INDEX CONCURRENTLY public.orders_unique; or DROP INDEX CONCURRENTLY public.orders_unique;"
        )
    finally:
        server.sql("DROP INDEX orders_unique", database="shop")


def test_a_transaction_that_was_left_prepared_is_found_and_heads_the_tree(server: PostgresServer) -> None:
    limit = (CheckSettings(name="oldest_transaction", warn=0.0, fail=1e9),)
    server.sql("BEGIN; UPDATE orders SET note = '' WHERE id = 1; PREPARE TRANSACTION 'left behind';", database="shop")

    async def scene() -> Any:
        waiter = await asyncpg.connect(host="127.0.0.1", port=server.port, user="postgres", database="shop")
        waiting = asyncio.create_task(waiter.execute("UPDATE orders SET note = 'b' WHERE id = 1"))
        try:
            async with DatabaseOptimizer(shop(server)) as engine:
                for _ in range(200):
                    tree = await engine.locks()
                    if tree.waiting:
                        return tree
                    await asyncio.sleep(0.05)
                return tree
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            waiter.terminate()

    try:
        row = checked(shop(server, checks=limit), "oldest_transaction")["oldest_transaction"]
        assert any("left behind" in each for each in row.objects), row
        (top,) = asyncio.run(scene()).rows
        assert (top.session.state, top.session.pid, top.waiting) == ("prepared", 0, 1)
    finally:
        server.sql("ROLLBACK PREPARED 'left behind'", database="shop")


def test_a_role_without_rights_is_told_each_thing_that_it_lacks(server: PostgresServer) -> None:
    rows = doctored(shop(server, username="looker"))
    assert (rows["connect"].status, rows["rights"].status, rows["pg_stats"].status) == ("pass", "warn", "warn")
    assert rows["rights"].fix == 'GRANT pg_monitor TO "looker";'
    assert rows["pg_stats"].fix == 'GRANT pg_read_all_data TO "looker";'
    assert "of 1 table" in rows["pg_stats"].observed
    assert rows["pg_stat_statements"].status == "fail"


def test_a_pooler_in_between_is_told(server: PostgresServer, tmp_path: Path) -> None:
    assert doctored(shop(server))["pooler"].observed == "none between: the session is ours alone"
    with pgbouncer(server) as port:
        behind = doctored(replace(shop(server), port=port))
        assert (behind["pooler"].status, "PgBouncer stands between" in behind["pooler"].observed) == ("pass", True)
        rows = checked(replace(shop(server), port=port))
    assert rows["connections"].status == "pass"
    assert not any("unavailable" in row.observed for row in rows.values())
