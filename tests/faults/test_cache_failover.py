"""Servers that change places under a workload: no wrong value, no exception to the caller, no hang."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from perfctl.cache.address import address_of
from perfctl.cache.engine import AdvancedCache
from perfctl.cache.redis import RedisStore
from perfctl.cache.store import Line
from perfctl.config import CacheConfig
from tests.campaign import SOAKS
from tests.chaos.workload import Workload
from tests.conftest import RunningSandbox
from tests.contract.test_cache_stores import config_of
from tests.redis_server import RawClient

pytestmark = pytest.mark.servers

ROUNDS = 10 if SOAKS else 1

Fault = Callable[[RedisStore], Awaitable[None]]


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("cluster")
@pytest.mark.parametrize("protocol", [2, 3])
def test_an_application_goes_through_failovers_of_a_cluster(cluster_sandbox: RunningSandbox, protocol: int) -> None:
    _go_through(replace(config_of("cluster", cluster_sandbox.environment), protocol=protocol), _replica_takes_over)


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("cluster")
def test_an_application_goes_through_slots_that_move(cluster_sandbox: RunningSandbox) -> None:
    async def fault(store: RedisStore) -> None:
        await _slots_move(store, cluster_sandbox.environment["REDIS_PASSWORD"])

    _go_through(config_of("cluster", cluster_sandbox.environment), fault)


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("sentinel")
def test_an_application_goes_through_failovers_by_sentinels(sentinel_sandbox: RunningSandbox) -> None:
    config = config_of("sentinel", sentinel_sandbox.environment)

    async def fault(store: RedisStore) -> None:
        await _sentinels_promote(store, config, sentinel_sandbox.environment["REDIS_PASSWORD"])

    _go_through(config, fault, may_lose=True)


def _go_through(config: CacheConfig, fault: Fault, *, may_lose: bool = False) -> None:
    findings = asyncio.run(_scene(replace(config, key_prefix=f"chaos{secrets.token_hex(4)}"), fault, may_lose))
    assert findings.is_clean, str(findings)
    assert findings.calls > 100


async def _scene(config: CacheConfig, fault: Fault, may_lose: bool) -> Any:
    store = RedisStore(address_of(config))
    async with AdvancedCache(config) as cache:
        workload = Workload(cache, seed=1, may_lose=may_lose)
        workload.start()
        for _ in range(ROUNDS):
            await asyncio.sleep(0.5)
            await fault(store)
            await _recovered(cache)
        await workload.stop()
        await workload.check_all()
        await store.delete([name async for names in store.scan(cache.layout.root) for name in names])
    await store.close()
    return workload.findings


async def _recovered(cache: AdvancedCache) -> None:
    """Every node takes writes again."""
    started = time.monotonic()
    while not all([await cache.set(f"probe {number}", 1, ttl=60, namespace="probe") for number in range(30)]):
        assert time.monotonic() - started < 30, "the cache does not find the servers again"
        await asyncio.sleep(0.05)


async def _replica_takes_over(store: RedisStore) -> None:
    before = await store.nodes(anew=True)
    line = await store.line(before[0])
    slots = await line.ask("CLUSTER", "SLOTS")
    await line.close()
    replicas = [node for _first, _last, _primary, *others in slots for node in others]
    replica = await store.line(f"{replicas[0][0].decode()}:{replicas[0][1]}")
    await replica.ask("CLUSTER", "FAILOVER")
    await replica.close()
    await _until_others(store, before)


async def _slots_move(store: RedisStore, password: str) -> None:
    """Some slots with their keys, to another primary and back."""
    nodes = (await store.nodes(anew=True))[:2]
    lines = [await store.line(node) for node in nodes]
    names = [(await line.ask("CLUSTER", "MYID")).decode() for line in lines]
    slots = [
        slot
        for first, last, primary, *_ in await lines[0].ask("CLUSTER", "SLOTS")
        if primary[2].decode() == names[0]
        for slot in range(first, last + 1)
    ][:3000:30]
    for here, there in ((0, 1), (1, 0)):
        for slot in slots:
            await lines[there].ask("CLUSTER", "SETSLOT", slot, "IMPORTING", names[here])
            await lines[here].ask("CLUSTER", "SETSLOT", slot, "MIGRATING", names[there])
            await _migrate(slot, lines[here], nodes[there], password)
            for line in (lines[there], lines[here]):
                await line.ask("CLUSTER", "SETSLOT", slot, "NODE", names[there])
    for line in lines:
        await line.close()


async def _migrate(slot: int, here: Line, to: str, password: str) -> None:
    host, _, port = to.rpartition(":")
    while keys := await here.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
        await here.ask("MIGRATE", host, port, "", 0, 1000, "AUTH", password, "KEYS", *keys)


async def _sentinels_promote(store: RedisStore, config: CacheConfig, password: str) -> None:
    before = await store.nodes(anew=True)
    host, _, port = config.sentinel_nodes[0].rpartition(":")
    sentinel = RawClient(int(port), host, password)
    while True:
        try:
            sentinel.call("SENTINEL", "FAILOVER", config.sentinel_service)
            break
        except AssertionError:  # one is under way, or no replica is good enough yet
            await asyncio.sleep(0.5)
    sentinel.close()
    await _until_others(store, before)


async def _until_others(store: RedisStore, before: list[str]) -> None:
    started = time.monotonic()
    while await _nodes(store) in (before, []):
        assert time.monotonic() - started < 60, "nobody takes over"
        await asyncio.sleep(0.05)


async def _nodes(store: RedisStore) -> list[str]:
    from perfctl.errors import PerfctlError

    try:
        return await store.nodes(anew=True)
    except PerfctlError:
        return []
