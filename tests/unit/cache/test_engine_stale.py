"""Values past their TTL and what guards against waiting: on the twin in memory, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from perfctl.cache.clock import ManualClock
from perfctl.cache.engine import AdvancedCache
from perfctl.cache.serving.refresh import Refresh
from perfctl.config import CacheConfig
from perfctl.config.settings import NamespaceSettings
from perfctl.errors import TimedOutError, UsageError
from tests.unit.cache.faulty import FaultyStore

TTL = 10.0


class Source:
    """A factory that answers, fails or takes its time, as told, and counts its calls."""

    def __init__(self, answer: Any = "new") -> None:
        self.answer = answer
        self.error: Exception | None = None
        self.seconds = 0.0
        self.calls = 0

    async def __call__(self) -> Any:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.answer

    def plain(self) -> Any:
        """The same, blocking."""
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self.answer


class Stage:
    """A cache with or without a server, and its clock."""

    def __init__(self, *, has_server: bool, **fields: Any) -> None:
        self.clock = ManualClock()
        self.store = FaultyStore(self.clock) if has_server else None
        self.config = CacheConfig(ttl_jitter=0, **{"ttl_seconds": TTL, "eviction_policy": "lru", **fields})
        self.cache = self.another()
        self.source = Source()

    def another(self) -> AdvancedCache:
        """Another process's cache on the same server."""
        return AdvancedCache(self.config, store=self.store, clock=self.clock)

    async def aged(self, key: str = "k", value: Any = "old", seconds: float = TTL + 1, **options: Any) -> None:
        """A value was computed so long ago."""
        await self.cache.get_or_set(key, lambda: value, **options)
        self.clock.advance(seconds)

    async def ask(self, **options: Any) -> Any:
        """`get_or_set` from the source."""
        return await self.cache.get_or_set("k", self.source, **options)


Scene = Callable[[Stage], Awaitable[None]]
BOTH = pytest.mark.parametrize("has_server", [False, True], ids=["alone", "with a server"])


def play(scene: Scene, *, has_server: bool = True, **fields: Any) -> None:
    """In an event loop of its own."""

    async def run() -> None:
        stage = Stage(has_server=has_server, **fields)
        async with stage.cache:
            await scene(stage)

    asyncio.run(run())


@BOTH
def test_a_stale_value_stands_in_for_a_factory_that_fails(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        stage.source.error = RuntimeError("down")
        assert await stage.ask() == "old"
        assert stage.cache.metrics().stale == 1

    play(scene, has_server=has_server)


@BOTH
def test_it_is_tried_again_only_after_a_while(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        stage.source.error = RuntimeError("down")
        assert [await stage.ask() for _ in range(5)] == ["old"] * 5
        assert stage.source.calls == 1
        stage.source.error = None
        stage.clock.advance(5.1)
        assert await stage.ask() == "new"

    play(scene, has_server=has_server)


@BOTH
def test_a_factory_that_fails_without_a_stale_value_is_the_callers_error(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        stage.source.error = RuntimeError("down")
        answers = await asyncio.gather(*[stage.ask() for _ in range(3)], return_exceptions=True)
        assert [str(answer) for answer in answers] == ["down"] * 3

    play(scene, has_server=has_server)


@BOTH
def test_who_asks_for_exceptions_gets_them(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        stage.source.error = RuntimeError("down")
        with pytest.raises(RuntimeError, match="down"):
            await stage.ask(fail_safe=False)

    play(scene, has_server=has_server)


@BOTH
@pytest.mark.parametrize("how", ["delete", "clear", "clear tag"])
def test_what_was_deleted_or_cleared_never_stands_in(has_server: bool, how: str) -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged(tags=("t",))
        if how == "delete":
            await stage.cache.delete("k")
        else:
            await stage.cache.clear(tag="t" if how == "clear tag" else None)
        stage.source.error = RuntimeError("down")
        with pytest.raises(RuntimeError, match="down"):
            await stage.ask()

    play(scene, has_server=has_server)


@BOTH
def test_the_reserve_ends_too(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged(seconds=TTL + 21)
        stage.source.error = RuntimeError("down")
        with pytest.raises(RuntimeError, match="down"):
            await stage.ask()

    play(scene, has_server=has_server, fail_safe_seconds=20)


def test_another_process_finds_the_stale_value_on_the_server() -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        stage.source.error = RuntimeError("down")
        other = stage.another()
        assert await other.get_or_set("k", stage.source) == "old"
        assert await other.get("absent") is None

    play(scene)


def test_while_redis_is_away_a_reader_is_given_the_stale_value() -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        assert await stage.cache.get("k") is None
        assert stage.store is not None
        stage.store.freeze()
        assert await stage.cache.get("k") == "old"
        assert await stage.ask() == "new"

    play(scene)


@BOTH
def test_a_slow_factory_is_not_waited_for_where_a_stale_value_is(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        stage.source.seconds = 0.1
        assert await stage.ask(soft_timeout=0.01) == "old"
        await asyncio.sleep(0.2)
        assert await stage.cache.get("k") == "new"
        assert stage.source.calls == 1

    play(scene, has_server=has_server)


@BOTH
def test_a_factory_slower_than_the_hard_time_out_is_an_error_and_its_result_is_kept(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        stage.source.seconds = 0.1
        with pytest.raises(TimedOutError, match=r"'k' in namespace 'default' was not computed within 0\.01 s"):
            await stage.ask(hard_timeout=0.01)
        await asyncio.sleep(0.2)
        assert await stage.cache.get("k") == "new"

    play(scene, has_server=has_server)


def test_with_a_stale_value_the_hard_time_out_gives_that() -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        stage.source.seconds = 0.1
        assert await stage.ask(hard_timeout=0.01) == "old"

    play(scene)


def test_a_time_out_of_the_factory_itself_is_no_time_out_of_the_cache() -> None:
    async def scene(stage: Stage) -> None:
        stage.source.error = TimeoutError("the database")
        answers = await asyncio.gather(*[stage.ask(hard_timeout=5) for _ in range(2)], return_exceptions=True)
        assert [str(answer) for answer in answers] == ["the database"] * 2

    play(scene)


def test_while_one_computes_the_others_are_given_the_stale_value_at_once() -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        stage.source.seconds = 0.05
        leader = asyncio.create_task(stage.ask())
        await asyncio.sleep(0.01)
        other = stage.another()
        assert await stage.ask() == "old"
        assert await other.get_or_set("k", stage.source) == "old"
        assert await leader == "new"
        assert stage.source.calls == 1

    play(scene)


def test_who_takes_no_stale_value_waits_for_the_new_one() -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged()
        stage.source.seconds = 0.05
        leader = asyncio.create_task(stage.ask())
        await asyncio.sleep(0.01)
        assert await stage.ask(fail_safe=False) == "new"
        assert await stage.another().get_or_set("k", stage.source, fail_safe=False) == "new"
        assert await leader == "new"
        assert stage.source.calls == 1

    play(scene)


@BOTH
def test_a_read_late_in_its_life_refreshes_a_value_once_and_does_not_wait(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged(seconds=8.5)
        assert [await stage.ask() for _ in range(5)] == ["old"] * 5
        await asyncio.sleep(0.02)
        assert stage.source.calls == 1
        assert await stage.ask() == "new"
        stage.clock.advance(8)
        assert await stage.ask() == "new"
        assert stage.source.calls == 1

    play(scene, has_server=has_server, eager_refresh_ratio=0.8)


def test_a_refresh_that_fails_harms_nobody() -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged(seconds=8.5)
        stage.source.error = RuntimeError("down")
        assert await stage.ask() == "old"
        await asyncio.sleep(0.02)
        assert await stage.ask() == "old"

    play(scene, eager_refresh_ratio=0.8)


def test_two_processes_do_not_refresh_the_same_value() -> None:
    async def scene(stage: Stage) -> None:
        await stage.aged(seconds=8.5)
        stage.source.seconds = 0.05
        other = stage.another()
        assert await stage.ask() == "old"
        await asyncio.sleep(0.01)
        assert await other.get_or_set("k", stage.source) == "old"
        await asyncio.sleep(0.1)
        assert stage.source.calls == 1

    play(scene, eager_refresh_ratio=0.8)


@BOTH
def test_a_factory_that_asks_for_its_own_key_does_not_wait_for_itself(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        async def outer() -> Any:
            return await stage.cache.get_or_set("k", lambda: 3)

        async def many(keys: list[str]) -> dict[str, Any]:
            return dict(await stage.cache.get_or_set_many(keys, lambda inner: dict.fromkeys(inner, 4)))

        assert await asyncio.wait_for(stage.cache.get_or_set("k", outer), 5) == 3
        assert await asyncio.wait_for(stage.cache.get_or_set_many(list("ab"), many), 5) == {"a": 4, "b": 4}

    play(scene, has_server=has_server)


def test_lives_are_shortened_at_random() -> None:
    async def run() -> None:
        clock = ManualClock()
        cache = AdvancedCache(CacheConfig(ttl_seconds=100, ttl_jitter=0.2, eviction_policy="lru"), clock=clock)
        for number in range(50):
            await cache.get_or_set(f"k{number}", lambda: 1)
        lives = {entry.fresh_until - clock.now for entry in cache.local.entries.values()}
        assert len(lives) > 40
        assert all(80 <= life <= 100 for life in lives)

    asyncio.run(run())


@BOTH
def test_a_none_lives_as_long_as_a_none_may(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        stage.source.answer = None
        assert await stage.ask() is None
        stage.clock.advance(1)
        assert await stage.ask() is None
        assert stage.source.calls == 1
        stage.clock.advance(1.5)
        await stage.ask()
        assert stage.source.calls == 2

    play(scene, has_server=has_server, negative_ttl_seconds=2)


@BOTH
def test_a_value_that_slides_lives_as_long_as_it_is_read(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.cache.set("k", 1, sliding=True)
        for _ in range(6):
            stage.clock.advance(0.8 * TTL)
            assert await stage.cache.get("k") == 1
            await asyncio.sleep(0.005)
        stage.clock.advance(TTL + 1)
        assert await stage.cache.get("k") is None

    play(scene, has_server=has_server)


def test_a_read_by_another_process_keeps_a_value_that_slides_alive() -> None:
    async def scene(stage: Stage) -> None:
        await stage.cache.set("k", 1, sliding=True)
        stage.clock.advance(0.8 * TTL)
        assert await stage.another().get("k") == 1
        await asyncio.sleep(0.005)
        stage.clock.advance(0.8 * TTL)
        assert await stage.another().get("k") == 1

    play(scene)


@BOTH
def test_a_clear_of_a_tag_ends_what_has_it_and_nothing_else(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.cache.set("a", 1, tags=("red", "big"))
        await stage.cache.set("b", 2, tags=("big",))
        await stage.cache.set("c", 3)
        assert [await stage.cache.get(key) for key in "abc"] == [1, 2, 3]
        await stage.cache.clear(tag="red")
        assert [await stage.cache.get(key) for key in "abc"] == [None, 2, 3]
        await stage.cache.set("a", 4, tags=("red",))
        assert await stage.cache.get("a") == 4

    play(scene, has_server=has_server)


@BOTH
def test_a_clear_while_the_factory_runs_holds_for_what_it_returns(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        for how in ("clear", "tag", "delete"):
            stage.source.seconds = 0.02
            running = asyncio.create_task(stage.ask(tags=("t",)))
            await asyncio.sleep(0.01)
            if how == "delete":
                await stage.cache.delete("k")
            else:
                await stage.cache.clear(tag="t" if how == "tag" else None)
            assert await running == "new"
            assert await stage.cache.get("k") is None, how

    play(scene, has_server=has_server)


@BOTH
def test_a_source_that_did_not_change_keeps_its_value(has_server: bool) -> None:
    seen: list[Any] = []

    def load(refresh: Refresh) -> Any:
        seen.append((refresh.stale_value, refresh.etag))
        if refresh.has_stale_value:
            return refresh.keep()
        refresh.set_etag("v1")
        refresh.set_ttl(3)
        refresh.set_tags("t")
        return ["body"]

    async def scene(stage: Stage) -> None:
        assert await stage.cache.get_or_set("k", load) == ["body"]
        stage.clock.advance(4)
        assert await stage.cache.get_or_set("k", load) == ["body"]
        assert seen == [(None, None), (["body"], "v1")]
        stage.clock.advance(9)
        assert await stage.cache.get("k") == ["body"]
        stage.clock.advance(2)
        await stage.cache.get_or_set("k", load)
        assert seen[2] == (["body"], "v1")

    play(scene, has_server=has_server)


@BOTH
def test_tags_that_the_source_names_clear_its_value(has_server: bool) -> None:
    def load(refresh: Refresh) -> str:
        refresh.set_tags("late")
        return "value"

    async def scene(stage: Stage) -> None:
        await stage.cache.get_or_set("k", load)
        assert await stage.cache.get("k") == "value"
        await stage.cache.clear(tag="late")
        assert await stage.cache.get("k") is None

    play(scene, has_server=has_server)


def test_a_source_cannot_keep_what_is_not_there() -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(UsageError, match="no stale value"):
            await stage.cache.get_or_set("k", lambda refresh: refresh.keep())

    play(scene)


@BOTH
def test_a_value_is_touched_and_expired(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.cache.set("k", 1)
        stage.clock.advance(8)
        assert await stage.cache.touch("k", 20)
        stage.clock.advance(18)
        assert await stage.cache.exists("k")
        assert await stage.cache.expire("k")
        assert not await stage.cache.exists("k")
        stage.source.error = RuntimeError("down")
        assert await stage.ask() == 1
        assert not await stage.cache.touch("absent")
        assert not await stage.cache.expire("absent")

    play(scene, has_server=has_server)


def test_a_namespace_has_settings_of_its_own() -> None:
    own = NamespaceSettings(name="n", ttl_seconds=2, fail_safe_seconds=0, local=False)

    async def scene(stage: Stage) -> None:
        await stage.cache.set("k", 1, namespace="n")
        await stage.cache.set("k", 1)
        assert len(stage.cache.local) == 1
        assert await stage.cache.get("k", namespace="n") == 1
        stage.clock.advance(3)
        assert await stage.cache.get("k", namespace="n") is None
        assert await stage.cache.get("k") == 1
        stage.source.error = RuntimeError("down")
        with pytest.raises(RuntimeError, match="down"):
            await stage.cache.get_or_set("k", stage.source, namespace="n")

    play(scene, namespaces=(own,))


@BOTH
def test_each_caller_has_a_copy_where_that_is_configured(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        mine = {"a": [1]}
        await stage.cache.set("k", mine)
        mine["a"].append(2)
        for _ in range(2):
            got = await stage.cache.get("k")
            assert got == {"a": [1]}
            got["a"].append(3)
        made = await stage.cache.get_or_set("m", lambda: [1])
        made.append(2)
        assert await stage.cache.get_or_set("m", lambda: [5]) == [1]

    play(scene, has_server=has_server, copy_on_hit=True)


@BOTH
def test_within_disabled_nothing_is_found_and_nothing_is_kept(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.cache.set("k", "kept")
        with stage.cache.disabled():
            assert await stage.cache.get("k") is None
            assert not await stage.cache.set("x", 1)
            assert [await stage.ask(), await stage.ask()] == ["new", "new"]
            assert await stage.cache.get_or_set_many(["k"], lambda keys: dict.fromkeys(keys, 3)) == {"k": 3}
        assert await stage.cache.get("x") is None
        assert await stage.cache.get("k") == ("kept" if has_server else None)
        assert stage.source.calls == 2

    play(scene, has_server=has_server)


def test_a_plain_function_has_the_same_protections() -> None:
    clock = ManualClock()
    config = CacheConfig(ttl_seconds=TTL, ttl_jitter=0, eager_refresh_ratio=0.8, eviction_policy="lru")
    cache = AdvancedCache(config, clock=clock)
    source = Source("old")

    @cache.cache_decorator(key="k")
    def ask() -> Any:
        return source.plain()

    assert ask() == "old"
    clock.advance(TTL + 1)
    source.error = RuntimeError("down")
    assert ask() == "old"
    clock.advance(6)
    source.error, source.answer = None, "new"
    assert ask() == "new"


def test_a_plain_function_is_not_waited_for_longer_than_its_time_outs() -> None:
    import threading
    import time

    cache = AdvancedCache(CacheConfig(eviction_policy="lru"))
    done = threading.Event()

    @cache.cache_decorator(key="k", hard_timeout=0.02)
    def slow() -> str:
        done.wait(5)
        return "value"

    with pytest.raises(TimedOutError):
        slow()
    done.set()
    for _ in range(200):
        if "k" in {name.decode().rpartition(":")[2] for name in cache.local.entries}:
            break
        time.sleep(0.01)
    assert slow() == "value"
