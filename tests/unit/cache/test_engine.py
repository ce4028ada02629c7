"""The cache as applications use it, on the twin in memory."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from perfctl.cache.clock import Clock, ManualClock
from perfctl.cache.engine import LOCAL_SECONDS, AdvancedCache
from perfctl.cache.memory import MemoryStore
from perfctl.cache.model import TierStats
from perfctl.cache.store import Write
from perfctl.config import CacheConfig
from perfctl.config.settings import NamespaceSettings
from perfctl.errors import ConfigError, ServiceError, UsageError
from tests.unit.cache.faulty import FaultyStore

Scene = Callable[[AdvancedCache], Awaitable[None]]


def play(scene: Scene, **fields: Any) -> None:
    """A cache within this process alone, in an event loop of its own."""

    async def run() -> None:
        async with AdvancedCache(CacheConfig(**fields)) as cache:
            await scene(cache)

    asyncio.run(run())


def pair(store: MemoryStore, clock: Clock | None = None) -> tuple[AdvancedCache, AdvancedCache]:
    """Two processes' caches on one server."""
    clock = clock or ManualClock()
    return tuple(AdvancedCache(CacheConfig(), store=store, clock=clock) for _ in range(2))  # type: ignore[return-value]


def test_what_was_set_comes_back_and_a_miss_is_the_default() -> None:
    async def scene(cache: AdvancedCache) -> None:
        await cache.set("a", {"x": (1, 2)})
        assert await cache.get("a") == {"x": (1, 2)}
        assert await cache.get("absent") is None
        assert await cache.get("absent", 5) == 5
        assert await cache.get("absent", None) is None

    play(scene)


def test_none_is_a_value() -> None:
    async def scene(cache: AdvancedCache) -> None:
        await cache.set("a", None)
        assert await cache.get("a", "default") is None

    play(scene)


def test_namespaces_do_not_see_each_other() -> None:
    async def scene(cache: AdvancedCache) -> None:
        await cache.set("k", 1, namespace="a")
        await cache.set("k", 2, namespace="a:b")
        assert await cache.get("k") is None
        assert (await cache.get("k", namespace="a"), await cache.get("k", namespace="a:b")) == (1, 2)
        assert await cache.clear("a")
        assert (await cache.get("k", namespace="a"), await cache.get("k", namespace="a:b")) == (None, 2)

    play(scene)


def test_a_value_ends_with_its_life() -> None:
    clock = ManualClock()

    async def run() -> None:
        cache = AdvancedCache(CacheConfig(ttl_seconds=10), clock=clock)
        await cache.set("short", 1, ttl=5)
        await cache.set("default", 1)
        await cache.set("ever", 1, ttl=float("inf"))
        clock.advance(6)
        assert [await cache.get(key) for key in ("short", "default", "ever")] == [None, 1, 1]
        clock.advance(5)
        assert [await cache.get(key) for key in ("short", "default", "ever")] == [None, None, 1]

    asyncio.run(run())


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), "10", True])
def test_a_life_that_is_none_is_refused(ttl: Any) -> None:
    async def scene(cache: AdvancedCache) -> None:
        with pytest.raises(UsageError, match="ttl"):
            await cache.set("a", 1, ttl=ttl)

    play(scene)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"serialization_method": "pickle"}, "pickle needs cache.encryption_key"),
        ({"serialization_method": "xml"}, "'xml' is not offered"),
        ({"eviction_policy": "mru"}, "'mru' is not offered"),
        ({"ttl_seconds": 0}, "cache.ttl_seconds: 0 is not above 0"),
        ({"max_size_mb": 0}, "cache.max_size_mb"),
        ({"cluster_enabled": True}, "without an address"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_at_once(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        AdvancedCache(CacheConfig(**fields))
    assert complaint in refusal.value.message


def test_an_unsupported_type_is_refused_with_its_path_without_a_server_too() -> None:
    async def scene(cache: AdvancedCache) -> None:
        with pytest.raises(UsageError, match=r"object at value\['rows'\]\[1\]"):
            await cache.set("a", {"rows": [1, object()]})

    play(scene)


def test_what_a_namespaces_own_serializer_does_not_bring_back_is_refused_without_a_server_too() -> None:
    async def scene(cache: AdvancedCache) -> None:
        await cache.set("a", {"pair": (1, 2)}, namespace="plain")
        with pytest.raises(UsageError, match=r"tuple at value\['pair'\]"):
            await cache.set("a", {"pair": (1, 2)}, namespace="texts")

    play(scene, namespaces=(NamespaceSettings(name="texts", serialization_method="json"),))


def test_many_who_miss_call_the_factory_once() -> None:
    calls = 0

    async def factory() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        return calls

    async def scene(cache: AdvancedCache) -> None:
        answers = await asyncio.gather(*[cache.get_or_set("a", factory) for _ in range(1000)])
        assert set(answers) == {1}
        assert cache.metrics().namespaces["default"] == TierStats(hits_l1=999, misses=1, sets=1)

    play(scene)


def test_the_factorys_error_reaches_everybody_and_is_not_kept() -> None:
    async def fails() -> int:
        await asyncio.sleep(0.01)
        raise RuntimeError("no")

    async def scene(cache: AdvancedCache) -> None:
        answers = await asyncio.gather(*[cache.get_or_set("a", fails) for _ in range(5)], return_exceptions=True)
        assert [str(answer) for answer in answers] == ["no"] * 5
        assert await cache.get_or_set("a", lambda: 7) == 7

    play(scene)


def test_when_the_leader_is_cancelled_another_one_leads() -> None:
    started = asyncio.Event()

    async def slow() -> str:
        started.set()
        await asyncio.sleep(30)
        return "slow"

    async def scene(cache: AdvancedCache) -> None:
        leader = asyncio.create_task(cache.get_or_set("a", slow))
        await started.wait()
        waiter = asyncio.create_task(cache.get_or_set("a", lambda: "quick"))
        await asyncio.sleep(0)
        leader.cancel()
        assert await asyncio.wait_for(waiter, 5) == "quick"

    play(scene)


def test_a_waiter_that_is_cancelled_harms_nobody() -> None:
    async def factory() -> int:
        await asyncio.sleep(0.02)
        return 1

    async def scene(cache: AdvancedCache) -> None:
        tasks = [asyncio.create_task(cache.get_or_set("a", factory)) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        assert [await tasks[0], await tasks[2]] == [1, 1]

    play(scene)


def test_a_factory_that_asks_for_its_own_key_does_not_wait_for_itself() -> None:
    async def scene(cache: AdvancedCache) -> None:
        async def outer() -> Any:
            return await cache.get_or_set("a", lambda: 3)

        assert await asyncio.wait_for(cache.get_or_set("a", outer), 5) == 3

    play(scene)


def test_a_plain_function_does_not_wait_for_a_task_of_its_own_thread() -> None:
    async def scene(cache: AdvancedCache) -> None:
        @cache.cache_decorator(key="a")
        def plain() -> str:
            return "plain"

        async def slow() -> str:
            await asyncio.sleep(0.01)
            return "slow"

        leader = asyncio.create_task(cache.get_or_set("a", slow))
        await asyncio.sleep(0)
        assert plain() == "plain"
        assert await leader == "slow"

    play(scene)


def test_another_process_reads_what_was_set_and_both_tiers_are_counted() -> None:
    async def run() -> None:
        writer, reader = pair(MemoryStore())
        await writer.set("a", {"when": (1, 2)}, namespace="n")
        assert await reader.get("a", namespace="n") == {"when": (1, 2)}
        assert await reader.get("a", namespace="n") == {"when": (1, 2)}
        assert await reader.get("b", namespace="n") is None
        assert reader.metrics().namespaces == {"n": TierStats(hits_l1=1, hits_l2=1, misses=1)}
        await writer.close()
        await reader.close()
        (row,) = (await writer.operator.stats()).rows
        assert (row.namespace, row.keys, row.hits, row.misses, row.sets) == ("n", 1, 2, 1, 1)
        assert row.hit_ratio == pytest.approx(2 / 3)

    asyncio.run(run())


def test_what_another_process_changed_is_seen_after_five_seconds() -> None:
    clock = ManualClock()

    async def run() -> None:
        first, second = pair(MemoryStore(), clock)
        await first.set("a", 1)
        assert await second.get("a") == 1
        await first.set("a", 2)
        clock.advance(LOCAL_SECONDS + 0.1)
        assert await second.get("a") == 2

    asyncio.run(run())


def test_a_value_does_not_outlive_its_server_copy_in_the_process() -> None:
    clock = ManualClock()

    async def run() -> None:
        store = MemoryStore(now=clock.monotonic)
        writer, reader = pair(store, clock)
        await writer.set("a", 1, ttl=2)
        clock.advance(1.5)
        assert await reader.get("a") == 1
        clock.advance(1)
        assert await reader.get("a") is None

    asyncio.run(run())


def test_a_read_that_a_delete_overtook_leaves_nothing_behind() -> None:
    class Slow(MemoryStore):
        async def fetch(self, name: bytes, *, patience_seconds: float | None = None) -> bytes | None:
            fetched = await super().fetch(name, patience_seconds=patience_seconds)
            await asyncio.sleep(0.02)
            return fetched

    async def run() -> None:
        writer, reader = pair(Slow())
        await writer.set("a", 1)
        read = asyncio.create_task(reader.get("a"))
        await asyncio.sleep(0.005)
        await reader.delete("a")
        await read
        assert await reader.get("a") is None

    asyncio.run(run())


@pytest.mark.parametrize("blob", [b"", b"foreign", b"\xc1\x01\x10\x05\xc0", b"\xc1\x01\xff\x00"])
def test_foreign_bytes_are_a_counted_miss(blob: bytes) -> None:
    async def run() -> None:
        store = MemoryStore()
        cache, _ = pair(store)
        await store.set(Write(b"perfctl:default:a", blob, None))
        assert await cache.get("a", "missed") == "missed"
        assert (cache.metrics().undecodable, cache.metrics().misses) == (1, 1)
        assert await cache.get_or_set("a", lambda: 5) == 5
        assert await cache.get("a") == 5

    asyncio.run(run())


def test_a_server_that_does_not_answer_is_a_miss_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        store = FaultyStore()
        cache, _ = pair(store)
        store.freeze()
        assert await cache.get("a", "missed") == "missed"
        assert await cache.set("b", 1) is False
        assert await cache.get("b") == 1
        assert await cache.get_or_set("c", lambda: 2) == 2
        assert await cache.delete("b") is False
        assert await cache.clear("default") is False
        await cache.preload({"x": 1})
        assert len(store.calls) == 1

    with caplog.at_level(logging.WARNING, "perfctl.cache"):
        asyncio.run(run())
    assert [record.getMessage() for record in caplog.records] == [
        "the cache goes on without Redis: Redis at memory did not answer within 2 s"
    ]


def test_it_asks_again_after_a_second_and_says_that_the_server_is_back(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()

    async def run() -> None:
        store = FaultyStore()
        cache, other = pair(store, clock)
        await other.set("a", 1)
        store.freeze()
        assert await cache.get("a") is None
        store.heal()
        assert await cache.get("a") is None
        clock.advance(1.1)
        assert await cache.get("a") is None, "a caller does not wait for the probe"
        await asyncio.sleep(0)
        assert await cache.get("a") == 1

    with caplog.at_level(logging.WARNING, "perfctl.cache"):
        asyncio.run(run())
    assert [record.getMessage() for record in caplog.records][1:] == ["Redis at memory answers again"]


def test_a_server_that_refuses_is_asked_again_at_once() -> None:
    async def run() -> None:
        store = FaultyStore()
        store.refuse("put")
        cache, other = pair(store)
        assert await cache.set("a", 1) is False
        assert await cache.get("a") == 1, "the process still has it"
        assert await other.get("b") is None
        assert store.calls[-1] == "fetch"

    asyncio.run(run())


def test_counts_that_could_not_be_told_are_told_later() -> None:
    class Deaf(MemoryStore):
        is_deaf = True

        async def count(self, *arguments: Any, **options: Any) -> None:
            if self.is_deaf:
                raise ServiceError("deaf")
            await super().count(*arguments, **options)

    async def run() -> None:
        store = Deaf()
        cache, _ = pair(store)
        await cache.get("a")
        await cache.close()
        store.is_deaf = False
        await cache.close()
        (row,) = (await cache.operator.stats()).rows
        assert row.misses == 1

    asyncio.run(run())


def test_preload_without_a_server_fills_the_process() -> None:
    async def scene(cache: AdvancedCache) -> None:
        assert (await cache.preload({"a": 1, "b": 2}, namespace="n")).loaded == 2
        assert await cache.get("b", namespace="n") == 2

    play(scene)


def test_the_process_holds_no_more_than_its_bound() -> None:
    async def scene(cache: AdvancedCache) -> None:
        for number in range(2000):
            await cache.set(f"k{number}", "x" * 1000)
        stats = await cache.stats()
        assert stats.size_bytes <= 100_000
        assert stats.entries > 40
        assert stats.evictions > 1900
        await cache.set("too big", "x" * 200_000)
        assert await cache.get("too big") is None

    play(scene, max_size_mb=0.1)


def test_an_operator_without_a_server_is_told_how_to_get_one() -> None:
    cache = AdvancedCache(CacheConfig())
    with pytest.raises(ConfigError, match="no Redis is configured"):
        _ = cache.operator


def test_closing_a_cache_that_nobody_used_opens_nothing() -> None:
    asyncio.run(AdvancedCache(CacheConfig(redis_host="127.0.0.1", redis_port=1)).close())


def test_threads_share_one_call() -> None:
    cache = AdvancedCache(CacheConfig())
    calls: list[int] = []
    ready = threading.Barrier(8)

    @cache.cache_decorator()
    def slow(number: int) -> int:
        calls.append(number)
        threading.Event().wait(0.05)
        return number * 2

    def ask() -> None:
        ready.wait()
        answers.append(slow(4))

    answers: list[int] = []
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (calls, answers) == ([4], [8] * 8)
