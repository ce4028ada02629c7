"""One cache among threads, event loops and forked processes."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.memory import MemoryStore
from perfctl.config import CacheConfig


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Threads take turns after a few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work: Callable[[int], Any], count: int) -> list[Any]:
    """What each returned, or raised."""
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        try:
            results[number] = work(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return results


def caches() -> list[AdvancedCache]:
    """Without a server, and with one."""
    return [AdvancedCache(CacheConfig()), AdvancedCache(CacheConfig(), store=MemoryStore())]


@pytest.mark.usefixtures("switching_often")
@pytest.mark.parametrize("cache", caches(), ids=["alone", "with a server"])
def test_threads_and_loops_share_one_call(cache: AdvancedCache) -> None:
    calls: list[int] = []
    ready = threading.Barrier(8)

    async def factory() -> str:
        calls.append(1)
        await asyncio.sleep(0.1)
        return "value"

    async def ask() -> list[str]:
        return await asyncio.gather(*[cache.get_or_set("k", factory) for _ in range(20)])

    def work(_: int) -> Any:
        ready.wait()
        return asyncio.run(ask())

    assert in_threads(work, 8) == [["value"] * 20] * 8
    assert len(calls) == 1
    asyncio.run(cache.close())


@pytest.mark.usefixtures("switching_often")
@pytest.mark.parametrize("cache", caches(), ids=["alone", "with a server"])
def test_whatever_threads_do_each_key_keeps_its_own_values(cache: AdvancedCache) -> None:
    async def live(seed: int) -> None:
        for turn in range(60):
            key = f"k{(seed * 7 + turn) % 13}"
            match (seed + turn) % 6:
                case 0:
                    await cache.set(key, [key, turn], ttl=0.02)
                case 1:
                    await cache.delete(key)
                case 2:
                    many = await cache.get_or_set_many([key, "k1"], lambda keys: {each: [each, 0] for each in keys})
                    assert all(value[0] == each for each, value in many.items())
                case 3 if turn % 20 == 0:
                    await cache.clear()
                case _:
                    assert (await cache.get_or_set(key, lambda: [key, -1]))[0] == key  # noqa: B023 - called at once
                    assert (await cache.get(key) or [key])[0] == key

    assert in_threads(lambda seed: asyncio.run(live(seed)), 6) == [None] * 6
    asyncio.run(cache.close())


def test_one_event_loop_after_the_other() -> None:
    cache = AdvancedCache(CacheConfig(), store=MemoryStore())
    for number in range(5):

        async def scene(number: int = number) -> None:
            assert await cache.get_or_set(f"k{number}", lambda: number) == number
            assert await cache.get("k0") == 0

        asyncio.run(scene())
    asyncio.run(cache.close())


def test_a_process_that_only_reads_gives_back_what_expired() -> None:
    cache = AdvancedCache(CacheConfig(fail_safe_seconds=0))

    async def fill() -> None:
        await cache.set_many({f"k{number}": "x" for number in range(500)}, ttl=0.2)
        await cache.set("stays", 1)

    asyncio.run(fill())
    for _ in range(100):
        if len(cache.local) == 1:
            break
        time.sleep(0.1)
        assert asyncio.run(cache.get("stays")) == 1
    assert len(cache.local) == 1
    asyncio.run(cache.close())


def in_a_child(work: Callable[[], bool]) -> bool:
    """Whether a forked child found it true."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
@pytest.mark.parametrize("cache", caches(), ids=["alone", "with a server"])
def test_a_forked_child_goes_on_and_counts_for_itself(cache: AdvancedCache) -> None:
    running = threading.Event()
    calls: list[int] = []

    @cache.cache_decorator(key="slow")
    def slow() -> str:
        calls.append(1)
        running.set()
        time.sleep(0.3)
        return "value"

    asyncio.run(cache.set("k", "kept"))
    leader = threading.Thread(target=slow)
    leader.start()
    running.wait(10)

    def child() -> bool:
        counted = cache.counters.take()
        assert not counted, "the parent tells what it counted"
        assert slow() == "value"
        assert asyncio.run(cache.get_or_set("new", lambda: 2)) == 2
        return asyncio.run(cache.get("k")) in ("kept", None)

    assert in_a_child(child)
    leader.join(10)
    assert calls == [1]
    assert slow() == "value"
    asyncio.run(cache.close())
