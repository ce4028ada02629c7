"""A Redis behind a proxy, a cache before it, and every way in which they may fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from tests.chaos.proxy import FaultProxy
from tests.chaos.workload import Workload
from tests.redis_server import RedisServer

Fault = Callable[["Rig"], AbstractAsyncContextManager[None]]


@dataclass
class Rig:
    """One server, one proxy before it, one cache that knows the proxy alone."""

    server: RedisServer
    proxy: FaultProxy
    cache: AdvancedCache

    async def call(self, *words: str | int) -> Any:
        """Ask the server itself, past the proxy."""
        return await asyncio.to_thread(self.server.call, *words)

    async def recovery_seconds(self, at_most: float = 10.0) -> float:
        """How long it takes until a write reaches the server again."""
        started = time.perf_counter()
        number = 0
        while time.perf_counter() - started < at_most:
            number += 1
            if await self.cache.set("probe", number, ttl=60, namespace="probe"):
                return time.perf_counter() - started
            await asyncio.sleep(0.01)
        raise AssertionError(f"the cache does not find the server again within {at_most:g} s")


def config_of(port: int, **more: Any) -> CacheConfig:
    """How the cache reaches the proxy."""
    return CacheConfig(redis_host="127.0.0.1", redis_port=port, **more)


@asynccontextmanager
async def rig(server: RedisServer, **more: Any) -> AsyncIterator[Rig]:
    """A cache behind a proxy, once its backplane works."""
    proxy = FaultProxy(server.port)
    try:
        async with AdvancedCache(config_of(proxy.port, **more)) as cache:
            made = Rig(server, proxy, cache)
            await made.recovery_seconds()
            yield made
    finally:
        proxy.close()


def _proxied(mode: str) -> Fault:
    @asynccontextmanager
    async def fault(rig: Rig) -> AsyncIterator[None]:
        rig.proxy.behave(mode)
        try:
            yield
        finally:
            rig.proxy.behave("pass")

    return fault


@asynccontextmanager
async def _frozen(rig: Rig) -> AsyncIterator[None]:
    rig.server.freeze()
    try:
        yield
    finally:
        rig.server.thaw()


@asynccontextmanager
async def _killed(rig: Rig) -> AsyncIterator[None]:
    await asyncio.to_thread(rig.server.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(rig.server.start)


@asynccontextmanager
async def _full(rig: Rig) -> AsyncIterator[None]:
    await rig.call("CONFIG", "SET", "maxmemory", 1)
    try:
        yield
    finally:
        await rig.call("CONFIG", "SET", "maxmemory", 0)


@asynccontextmanager
async def _demoted(rig: Rig) -> AsyncIterator[None]:
    await rig.call("REPLICAOF", "127.0.0.1", 1)
    try:
        yield
    finally:
        await rig.call("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def _flushed(rig: Rig) -> AsyncIterator[None]:
    await rig.call("FLUSHALL")
    yield


@asynccontextmanager
async def _disconnected(rig: Rig) -> AsyncIterator[None]:
    await rig.call("CLIENT", "KILL", "TYPE", "normal")
    await rig.call("CLIENT", "KILL", "TYPE", "pubsub")
    yield


FAULTS: dict[str, Fault] = {
    "frozen": _frozen,
    "killed": _killed,
    "half-open": _proxied("swallow"),
    "slow": _proxied("slow"),
    "truncated": _proxied("truncate"),
    "reset": _proxied("reset"),
    "refused": _proxied("refuse"),
    "full": _full,
    "read-only": _demoted,
    "loading": _proxied("loading"),
    "moved": _proxied("moved"),
    "flushed": _flushed,
    "disconnected": _disconnected,
}
"""Of one server; failovers of clusters and sentinels need servers of their own."""


async def go_through(rig: Rig, faults: list[tuple[Fault, float, float]], seed: int) -> tuple[Workload, list[float]]:
    """A workload through faults, each for so long, then left for so long; what it found, and the recoveries."""
    workload = Workload(rig.cache, seed)
    recoveries = []
    workload.start()
    await asyncio.sleep(0.1)
    for fault, lasting, after in faults:
        async with fault(rig):
            await asyncio.sleep(lasting)
        recoveries.append(await rig.recovery_seconds())
        await asyncio.sleep(after)
    await workload.stop()
    await workload.check_all()
    return workload, recoveries
