"""Four processes write 300 keys at random, each with copies in its memory: soon after it none is stale."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from tests import bounded
from tests.campaign import SOAKS
from tests.redis_server import PRODUCTS, redis_server

pytestmark = pytest.mark.servers

PROCESSES = 4
KEYS = [f"key{number}" for number in range(300)]
STORM_SECONDS = 3.0 if SOAKS else 1.0
LEAST_WRITES = len(KEYS)
"""Of each process, however slow the machine is."""
QUIET_SECONDS = 20.0
"""What is announced is heard by then, on the busiest machine; what is not would be served for as long as it lives."""
TRIALS = 20 if SOAKS else 1
SAMPLE = [("valkey", 2, "tracking"), ("redis", 3, "tracking"), ("valkey", 3, "pubsub")]
WHOLE = [(product, protocol, mode) for product in PRODUCTS for protocol in (2, 3) for mode in ("tracking", "pubsub")]

_SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.timeout(900 if SOAKS else 240)
@pytest.mark.parametrize(("product", "protocol", "mode"), WHOLE if SOAKS else SAMPLE)
def test_no_process_serves_an_old_value_after_a_storm(tmp_path: Path, product: str, protocol: int, mode: str) -> None:
    with redis_server(tmp_path, product) as server:
        config = CacheConfig(
            redis_host="127.0.0.1",
            redis_port=server.port,
            protocol=protocol,
            backplane=mode,  # type: ignore[arg-type]
            patience_seconds=5,
        )
        with _processes(config) as others:
            for trial in range(TRIALS):
                assert _stale_after_a_storm(others, config, trial) == []


class _Other:
    """A process that writes and serves."""

    def __init__(self, config: CacheConfig) -> None:
        self._pipe, there = _SPAWN.Pipe()
        self._process: BaseProcess = _SPAWN.Process(target=_live, args=(config, there), daemon=True)
        self._process.start()

    def tell(self, what: object) -> None:
        self._pipe.send(what)

    def said(self) -> Any:
        """What it says next; where it says nothing, what its tasks wait for is on stderr."""
        if not self._pipe.poll(bounded.SECONDS):
            os.kill(self._process.pid or 0, signal.SIGUSR1)
            time.sleep(1)
            raise AssertionError("a process says nothing")
        return self._pipe.recv()

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def _stale_after_a_storm(others: list[_Other], config: CacheConfig, trial: int) -> list[str]:
    """What each process serves instead of what the server has."""
    for number, other in enumerate(others):
        other.tell(trial * PROCESSES + number)
    assert min(other.said() for other in others) >= LEAST_WRITES
    truth = bounded.run(_on_server(config))
    until = time.monotonic() + QUIET_SECONDS
    while stale := _stale(others, truth):
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    return stale


def _stale(others: list[_Other], truth: dict[str, Any]) -> list[str]:
    stale = []
    for number, other in enumerate(others):
        other.tell("what do you serve?")
        served: dict[str, Any] = other.said()
        stale += [
            f"process {number}: {key} is {served.get(key)}, on the server {truth.get(key)}"
            for key in KEYS
            if served.get(key) != truth.get(key)
        ]
    return stale


async def _on_server(config: CacheConfig) -> dict[str, Any]:
    async with AdvancedCache(config) as cache:
        return await cache.get_many(KEYS)


def _live(config: CacheConfig, parent: Connection) -> None:
    asyncio.run(_live_on(config, parent))


async def _live_on(config: CacheConfig, parent: Connection) -> None:
    """Storm for each seed, serve for each question."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: print(bounded.tasks(), file=sys.stderr))
    async with AdvancedCache(config) as cache:
        await cache.get("the first use")
        while not cache.works.tiers.is_verified:
            await asyncio.sleep(0.01)
        parent.send("ready")
        while True:
            asked = await asyncio.to_thread(parent.recv)
            if isinstance(asked, int):
                parent.send(await _storm(cache, asked))
            else:
                parent.send({key: await cache.get(key) for key in KEYS})


async def _storm(cache: AdvancedCache, seed: int) -> int:
    dice = random.Random(seed)
    until = time.monotonic() + STORM_SECONDS
    written = 0
    while time.monotonic() < until or written < LEAST_WRITES:
        key, what = dice.choice(KEYS), dice.random()
        if what < 0.45:
            await cache.get(key)
        elif what < 0.85:
            written += 1
            await cache.set(key, [seed, written])
        elif what < 0.92:
            await cache.get_or_set(key, lambda: [seed, "computed"])
        elif what < 0.96:
            await cache.set_many({each: [seed, "many"] for each in dice.sample(KEYS, 5)})
        else:
            await cache.delete(key)
    return written


@contextmanager
def _processes(config: CacheConfig) -> Iterator[list[_Other]]:
    others = [_Other(config) for _ in range(PROCESSES)]
    try:
        for other in others:
            assert other.said() == "ready"
        yield others
    finally:
        for other in others:
            other.end()
