"""Nobody waits for ever, and nobody for himself: functions that ask for each other's values, loops that end early."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.memory import MemoryStore
from perfctl.cache.serving.background import Background
from perfctl.cache.store import Write
from perfctl.config import CacheConfig
from perfctl.errors import UsageError
from tests.redis_server import redis_server

SECONDS = 20


def _asking(cache: AdvancedCache, other: str, turns: list[str]) -> Callable[[], Any]:
    """A factory that asks for another key, whose factory asks back; it gives up after a while."""

    async def factory() -> int:
        await asyncio.sleep(0.02)
        turns.append(other)
        if len(turns) > 6:
            return 0
        back = "left" if other == "right" else "right"
        value: int = await asyncio.wait_for(cache.get_or_set(other, _asking(cache, back, turns)), SECONDS)
        return value + 1

    return factory


@pytest.mark.anyio
async def test_two_functions_that_ask_for_each_other_both_end() -> None:
    cache, turns = AdvancedCache(CacheConfig()), list[str]()
    async with asyncio.timeout(SECONDS):
        left, right = await asyncio.gather(
            cache.get_or_set("left", _asking(cache, "right", turns)),
            cache.get_or_set("right", _asking(cache, "left", turns)),
        )
    assert left + right > 0


def test_two_threads_whose_functions_ask_for_each_other_both_end() -> None:
    cache = AdvancedCache(CacheConfig())
    turns: list[str] = []

    @cache.cache_decorator(key="left")
    def left() -> int:
        time.sleep(0.02)
        turns.append("left")
        return 0 if len(turns) > 6 else right() + 1

    @cache.cache_decorator(key="right")
    def right() -> int:
        time.sleep(0.02)
        turns.append("right")
        return 0 if len(turns) > 6 else left() + 1

    threads = [threading.Thread(target=each, daemon=True) for each in (left, right)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.anyio
async def test_a_task_that_a_function_starts_may_ask_for_the_same_key() -> None:
    cache = AdvancedCache(CacheConfig())
    depth: list[int] = []

    async def factory() -> int:
        depth.append(1)
        if len(depth) == 2:
            return 7
        value: int = await asyncio.wait_for(asyncio.create_task(cache.get_or_set("key", factory)), SECONDS)
        return value

    assert await cache.get_or_set("key", factory) == 7


@pytest.mark.filterwarnings("ignore")  # asyncio complains of the task that was left behind
def test_a_loop_that_was_closed_under_its_tasks_holds_nobody_up() -> None:
    cache = AdvancedCache(CacheConfig())

    async def start() -> asyncio.Task[Any]:
        task = asyncio.ensure_future(cache.get_or_set("key", lambda: asyncio.sleep(1000)))
        await asyncio.sleep(0.01)
        return task

    loop = asyncio.new_event_loop()
    left_behind = loop.run_until_complete(start())
    loop.close()

    async def ask() -> Any:
        async with asyncio.timeout(SECONDS):
            return await cache.get_or_set("key", lambda: 7)

    assert asyncio.run(ask()) == 7
    left_behind._log_destroy_pending = False  # type: ignore[attr-defined]
    del left_behind
    gc.collect()


@pytest.mark.parametrize("terms", [{"soft_timeout": 5.0}, {"hard_timeout": 5.0}])
def test_a_call_that_is_cancelled_before_its_first_step_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, terms: dict[str, float]
) -> None:
    cache = AdvancedCache(CacheConfig())
    spawn = Background.spawn

    def cancelled(self: Background, work: Any, *, is_idle: bool = False) -> asyncio.Task[Any]:
        task = spawn(self, work, is_idle=is_idle)
        task.cancel()
        return task

    async def ask() -> Any:
        async with asyncio.timeout(SECONDS):
            return await cache.get_or_set("key", lambda: 7, **terms)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Background, "spawn", cancelled)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(ask())
    assert asyncio.run(ask()) == 7


@pytest.mark.anyio
async def test_a_blocking_function_that_raises_stop_iteration_holds_no_task_up() -> None:
    cache = AdvancedCache(CacheConfig())
    is_called = threading.Event()

    def exhausted() -> Any:
        is_called.set()
        time.sleep(0.1)
        return next(iter(()))

    @cache.cache_decorator(key="key")
    def blocking() -> Any:
        return exhausted()

    @cache.cache_decorator(key="key")
    async def waiting() -> Any:
        return 1

    leader = asyncio.ensure_future(asyncio.to_thread(blocking))
    await asyncio.to_thread(is_called.wait)
    async with asyncio.timeout(SECONDS):
        with pytest.raises(RuntimeError):
            await waiting()
        with pytest.raises(RuntimeError):
            await leader


def test_a_blocking_caller_who_took_the_stale_value_does_not_call_again_while_the_first_call_lasts() -> None:
    cache = AdvancedCache(CacheConfig(fail_safe_seconds=60, ttl_jitter=0))
    calls: list[int] = []

    @cache.cache_decorator(ttl=0.05, key="key", soft_timeout=0.02)
    def slow() -> int:
        calls.append(1)
        if len(calls) > 1:
            time.sleep(0.5)
        return len(calls)

    assert slow() == 1
    time.sleep(0.1)
    assert [slow() for _ in range(5)] == [1] * 5
    assert len(calls) == 2


@pytest.mark.anyio
async def test_of_a_batch_with_a_value_that_cannot_be_kept_nothing_is_served_that_the_server_has_not() -> None:
    cache = AdvancedCache(CacheConfig(), store=MemoryStore())
    with pytest.raises(UsageError):
        await cache.set_many({"first": 1, "second": object()})
    assert await cache.get("first") is None


class HeldUp(MemoryStore):
    """A store that takes no write while it is held up."""

    is_held_up = False

    async def put(self, write: Write) -> None:
        """Keep it, or never come back."""
        if self.is_held_up:
            await asyncio.sleep(1000)
        await super().put(write)


@pytest.mark.anyio
async def test_a_write_that_was_cancelled_is_not_served_before_the_server_was_asked() -> None:
    store = HeldUp()
    cache = AdvancedCache(CacheConfig(patience_seconds=60), store=store)
    await cache.set("key", "old")
    store.is_held_up = True
    writing = asyncio.ensure_future(cache.set("key", "new"))
    await asyncio.sleep(0.02)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await cache.get("key") == "old"


@pytest.mark.servers
def test_caches_that_were_dropped_unclosed_leave_nothing_open(tmp_path: Path) -> None:
    with redis_server(tmp_path, "valkey") as server:
        config = CacheConfig(redis_host="127.0.0.1", redis_port=server.port)
        dropped = []
        for number in range(10):
            cache = AdvancedCache(config)
            asyncio.run(cache.set("key", number))
            dropped.append(weakref.ref(cache))
            del cache
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and (any(cache() for cache in dropped) or _connections(server.port) > 1):
            gc.collect()
            time.sleep(0.1)
        assert not any(cache() for cache in dropped)
        assert _connections(server.port) == 1


def _connections(port: int) -> int:
    with closing(redis.Redis(port=port)) as client:
        return int(client.info("clients")["connected_clients"])
