"""Four processes write 300 keys at random, each with copies in its memory: two seconds later none is stale."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from tests.campaign import SOAKS
from tests.redis_server import PRODUCTS, redis_server

pytestmark = pytest.mark.servers

PROCESSES = 4
KEYS = [f"key{number}" for number in range(300)]
STORM_SECONDS = 3.0 if SOAKS else 1.0
QUIET_SECONDS = 2.0
TRIALS = 20 if SOAKS else 1
SAMPLE = [("valkey", 2, "tracking"), ("redis", 3, "tracking"), ("valkey", 3, "pubsub")]
WHOLE = [(product, protocol, mode) for product in PRODUCTS for protocol in (2, 3) for mode in ("tracking", "pubsub")]

_SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.timeout(900)
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
        with _processes(config) as pipes:
            for trial in range(TRIALS):
                assert _stale_after_a_storm(pipes, config, trial) == []


def _stale_after_a_storm(pipes: list[Connection], config: CacheConfig, trial: int) -> list[str]:
    """What each process serves instead of what the server has."""
    for number, pipe in enumerate(pipes):
        pipe.send(trial * PROCESSES + number)
    written = sum(pipe.recv() for pipe in pipes)
    assert written > len(KEYS)
    time.sleep(QUIET_SECONDS)
    truth = asyncio.run(_on_server(config))
    stale = []
    for number, pipe in enumerate(pipes):
        pipe.send("what do you serve?")
        served: dict[str, Any] = pipe.recv()
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
    while time.monotonic() < until:
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
def _processes(config: CacheConfig) -> Iterator[list[Connection]]:
    made = []
    for _ in range(PROCESSES):
        here, there = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_live, args=(config, there), daemon=True)
        process.start()
        made.append((process, here))
    try:
        for _, pipe in made:
            assert pipe.poll(60), "a process does not come up"
            assert pipe.recv() == "ready"
        yield [pipe for _, pipe in made]
    finally:
        for process, _ in made:
            process.terminate()
            process.join()
