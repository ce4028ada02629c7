"""The optional parts: a cluster, sentinels, a replica; each answers through its own variables."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import asyncpg
import pytest
from redis import Redis
from redis.cluster import ClusterNode, RedisCluster

from tests.conftest import RunningSandbox
from tests.integration.sandbox.conftest import Lab

pytestmark = pytest.mark.servers


def nodes(addresses: str) -> list[tuple[str, int]]:
    return [(host, int(port)) for host, port in (address.split(":") for address in addresses.split(","))]


def test_a_cluster_serves_every_slot(cluster_sandbox: RunningSandbox) -> None:
    environment = cluster_sandbox.environment
    start = [ClusterNode(host, port) for host, port in nodes(environment["PERFCTL_CLUSTER_NODES"])]  # type: ignore[no-untyped-call]
    with RedisCluster(startup_nodes=start, password=environment["REDIS_PASSWORD"]) as cluster:
        for number in range(200):
            cluster.set(f"key-{number}", number)

        assert [int(cluster.get(f"key-{number}") or -1) for number in range(200)] == list(range(200))
        assert len(cluster.get_primaries()) == len(cluster.get_replicas()) == 3


def test_sentinels_replace_a_killed_primary_and_up_brings_it_back(lab: Lab) -> None:
    rows = lab.up("--with", "sentinel")
    first = primary_of(lab)
    os.kill(rows["watched-1"]["pid"], signal.SIGKILL)

    deadline = time.monotonic() + 30
    while primary_of(lab) == first and time.monotonic() < deadline:
        time.sleep(0.1)

    assert primary_of(lab) != first
    assert lab.run("status").returncode == 1
    assert lab.up("--with", "sentinel")["watched-1"]["pid"] != rows["watched-1"]["pid"]
    assert lab.run("status").returncode == 0


def test_a_replica_follows_and_refuses_to_write(replica_sandbox: RunningSandbox) -> None:
    primary = replica_sandbox.environment
    replica = {**primary, "DB_PORT": primary["DB_REPLICA_PORT"]}

    async def follow() -> int:
        await execute(primary, "CREATE TABLE IF NOT EXISTS followed AS SELECT 7 AS answer")
        for _ in range(200):
            if await fetch(replica, "SELECT to_regclass('followed') IS NOT NULL"):
                break
            await asyncio.sleep(0.05)
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await execute(replica, "CREATE TABLE refused ()")
        return int(str(await fetch(replica, "SELECT answer FROM followed")))

    assert asyncio.run(follow()) == 7


def test_a_part_can_join_later_and_stays(lab: Lab) -> None:
    first = lab.up()
    second = lab.up("--with", "replica")
    third = lab.up()

    assert "replica" not in first
    assert second["postgres"]["pid"] == first["postgres"]["pid"]
    assert third["replica"]["pid"] == second["replica"]["pid"]


def test_an_unknown_part_is_refused_with_those_there_are(lab: Lab) -> None:
    done = lab.run("up", "--with", "cluser")

    assert done.returncode == 2
    assert "cluster, sentinel, replica" in done.stderr


def primary_of(lab: Lab) -> tuple[str, int]:
    """The primary as the first sentinel knows it."""
    environment = lab.data("env")
    host, port = nodes(environment["PERFCTL_SENTINEL_NODES"])[0]
    with Redis(host=host, port=port, password=environment["REDIS_PASSWORD"], decode_responses=True) as sentinel:
        found = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", environment["PERFCTL_SENTINEL_SERVICE"])
    return found[0], int(found[1])


async def connected(environment: dict[str, str]) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=environment["DB_HOST"],
        port=int(environment["DB_PORT"]),
        user=environment["DB_USER"],
        password=environment["DB_PASSWORD"],
        database=environment["DB_NAME"],
    )


async def execute(environment: dict[str, str], sql: str) -> None:
    connection = await connected(environment)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def fetch(environment: dict[str, str], sql: str) -> object:
    connection = await connected(environment)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()
