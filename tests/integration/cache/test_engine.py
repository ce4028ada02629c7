"""The protections on real servers: several caches, as several processes have them, on each kind of server."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perfctl.bridge import portal
from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from tests.conftest import RunningSandbox
from tests.contract.test_cache_stores import SERVERS, config_of

pytestmark = pytest.mark.servers


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in SERVERS])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CacheConfig]:
    """Its own keys on a server of each kind, with patience for a loaded machine."""
    kind: str = request.param
    sandbox: RunningSandbox = request.getfixturevalue(SERVERS[kind])
    there = config_of(kind, sandbox.environment)
    yield replace(there, key_prefix=tmp_path.name, patience_seconds=5, ttl_jitter=0)
    portal().close()


Scene = Callable[[AdvancedCache, AdvancedCache], Coroutine[Any, Any, None]]


def play(config: CacheConfig, scene: Scene) -> None:
    """A scene of two processes' caches."""

    async def run() -> None:
        async with AdvancedCache(config) as first, AdvancedCache(config) as second:
            await scene(first, second)

    asyncio.run(run())


async def until(what: Callable[[], Coroutine[Any, Any, bool]], seconds: float = 10) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not await what():
        assert time.monotonic() < deadline, "it does not come true"
        await asyncio.sleep(0.02)


def test_one_process_computes_for_all(config: CacheConfig) -> None:
    calls: list[str] = []

    async def factory() -> str:
        calls.append("called")
        await asyncio.sleep(0.2)
        return "value"

    async def scene(first: AdvancedCache, second: AdvancedCache) -> None:
        callers = [cache.get_or_set("k", factory) for cache in (first, second) for _ in range(10)]
        assert set(await asyncio.gather(*callers)) == {"value"}
        assert calls == ["called"]

    play(config, scene)


def test_many_keys_are_computed_once_by_whoever_comes_first(config: CacheConfig) -> None:
    computed: list[str] = []

    async def factory(keys: list[str]) -> dict[str, str]:
        computed.extend(keys)
        await asyncio.sleep(0.1)
        return {key: f"of {key}" for key in keys}

    async def scene(first: AdvancedCache, second: AdvancedCache) -> None:
        keys = [f"k{number}" for number in range(60)]
        answers = await asyncio.gather(
            first.get_or_set_many(keys[:40], factory), second.get_or_set_many(keys[20:], factory)
        )
        assert sorted(computed) == sorted(keys)
        assert answers[0] == {key: f"of {key}" for key in keys[:40]}
        assert answers[1] == {key: f"of {key}" for key in keys[20:]}
        assert await second.get_many(keys) == {key: f"of {key}" for key in keys}
        assert await second.delete_many(keys)
        assert await first.set_many({"a": 1, "b": 2}) == 2
        assert await second.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}

    play(config, scene)


def test_what_one_process_clears_ends_in_the_other(config: CacheConfig) -> None:
    async def scene(first: AdvancedCache, second: AdvancedCache) -> None:
        await first.set("a", 1, namespace="n", tags=("t",))
        await first.set("b", 2, namespace="n")
        assert await second.get_many(["a", "b"], namespace="n") == {"a": 1, "b": 2}

        async def holds(expected: dict[str, int]) -> bool:
            return await second.get_many(["a", "b"], namespace="n") == expected

        await first.clear("n", tag="t")
        await until(lambda: holds({"b": 2}))
        await first.clear("n")
        await until(lambda: holds({}))

    play(config, scene)


def test_stale_values_are_shared(config: CacheConfig) -> None:
    async def fails() -> str:
        raise RuntimeError("down")

    async def scene(first: AdvancedCache, second: AdvancedCache) -> None:
        assert await first.get_or_set("k", lambda: "old", ttl=0.2) == "old"
        await asyncio.sleep(0.3)
        assert await second.get("k") is None
        assert await second.get_or_set("k", fails) == "old"
        assert await first.expire("k") is False

    play(config, scene)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(kind, marks=[pytest.mark.xdist_group(kind), *([] if kind == "standalone" else [pytest.mark.soak])])
        for kind in SERVERS
    ],
    indirect=True,
)
def test_a_value_that_slides_lives_while_it_is_read(config: CacheConfig) -> None:
    async def scene(first: AdvancedCache, second: AdvancedCache) -> None:
        await first.set("k", 1, ttl=3, sliding=True)
        for _ in range(7):
            await asyncio.sleep(0.5)
            assert await second.get("k") == 1
        await asyncio.sleep(4)
        assert await second.get("k") is None
        assert await first.get("k") is None

    play(config, scene)


_DIES = """
import asyncio, sys
from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig

async def main():
    async with AdvancedCache(CacheConfig(redis_url=sys.argv[1], key_prefix=sys.argv[2], lock_seconds=3)) as cache:
        async def factory():
            print("computing", flush=True)
            await asyncio.sleep(60)
        await cache.get_or_set("k", factory)

asyncio.run(main())
"""


@pytest.mark.xdist_group("sandbox")
def test_the_lock_of_a_process_that_died_holds_nobody_up_for_long(sandbox: RunningSandbox, tmp_path: Path) -> None:
    environment = sandbox.environment
    url = f"redis://:{environment['REDIS_PASSWORD']}@{environment['REDIS_HOST']}:{environment['REDIS_PORT']}"
    command = [sys.executable, "-c", _DIES, url, tmp_path.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "computing\n"
        time.sleep(3.5)  # longer than the lock lives, unless it is renewed

        async def scene() -> None:
            config = CacheConfig(redis_url=url, key_prefix=tmp_path.name, lock_seconds=3, patience_seconds=5)
            async with AdvancedCache(config) as cache:
                waiting = asyncio.create_task(cache.get_or_set("k", lambda: "mine"))
                await asyncio.sleep(0.5)
                assert not waiting.done(), "the owner lives and renews its lock"
                owner.send_signal(signal.SIGKILL)
                assert await asyncio.wait_for(waiting, 60) == "mine"

        asyncio.run(scene())
