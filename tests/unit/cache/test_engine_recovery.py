"""A server that is away, refuses, or comes back: the application goes on, and the server hears later what it missed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from perfctl.cache.clock import ManualClock
from perfctl.cache.serving.hearing import Hearing
from perfctl.cache.serving.recovery import Missed, Recovery
from tests.unit.cache.faulty import FaultyStore
from tests.unit.cache.test_engine_stale import Stage, play

Scene = Callable[[Stage, FaultyStore], Awaitable[None]]


def with_server(scene: Scene) -> None:
    """Play a scene whose server fails."""

    async def played(stage: Stage) -> None:
        assert stage.store is not None
        await scene(stage, stage.store)

    play(played)


def hearing_of(stage: Stage) -> Hearing:
    """What its backplane would tell."""
    works = stage.cache.works
    assert works.stampede is not None
    return Hearing(works.tiers, works.stampede)


async def come_back(stage: Stage, store: FaultyStore) -> None:
    """The server answers again, and the cache finds out."""
    store.heal()
    stage.clock.advance(1.1)
    await stage.cache.get("is it back?")
    await asyncio.sleep(0.01)
    assert stage.cache.metrics().unsent == 0


def test_writes_are_told_when_the_server_is_back() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", "before")
        store.kill()
        assert not await stage.cache.set("a", "meanwhile")
        assert not await stage.cache.set("b", 2, tags=())
        assert await stage.cache.get_or_set("c", lambda: 3) == 3
        assert stage.cache.metrics().unsent == 3
        assert [await stage.cache.get(key) for key in "abc"] == ["meanwhile", 2, 3]
        await come_back(stage, store)
        assert await stage.another().get_many(list("abc")) == {"a": "meanwhile", "b": 2, "c": 3}

    with_server(scene)


def test_a_deletion_while_the_server_is_told_of_an_older_write_comes_last() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("other", 1)
        store.kill()
        await stage.cache.set("a", 1)
        store.heal()
        stage.clock.advance(1.1)
        store.delay = 0.02
        telling = asyncio.create_task(stage.cache.works.writer.recover())
        await asyncio.sleep(0.03)
        await stage.cache.delete("a")
        await telling
        assert await stage.another().get("a") is None

    with_server(scene)


def test_deletions_and_clears_are_told_when_the_server_is_back() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", 1)
        await stage.cache.set("b", 2, namespace="n")
        await stage.cache.set("c", 3, tags=("t",))
        store.freeze()
        assert not await stage.cache.delete("a")
        assert not await stage.cache.clear("n")
        assert not await stage.cache.clear(tag="t")
        assert [await stage.cache.get("a"), await stage.cache.get("b", namespace="n"), await stage.cache.get("c")] == [
            None
        ] * 3
        await come_back(stage, store)
        other = stage.another()
        assert [await other.get("a"), await other.get("b", namespace="n"), await other.get("c")] == [None] * 3

    with_server(scene)


def test_a_read_between_return_and_replay_is_right() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", 1)
        await stage.cache.set("b", "old")
        store.kill()
        await stage.cache.delete("a")
        await stage.cache.set("b", "new")
        assert stage.cache.works.shared is not None
        stage.cache.works.shared.forget()  # as if it answered again, and nobody had told it yet
        store.heal()
        stage.clock.advance(6)  # longer than the process trusts its copies
        assert await stage.cache.get("a") is None
        assert await stage.cache.get("b") == "new"

    with_server(scene)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_late_news_of_older_writes_does_not_lose_what_only_this_process_has(times: int) -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", "before")
        store.freeze()
        await stage.cache.set("a", "meanwhile", ttl=60)
        for _ in range(times):
            hearing_of(stage).changed([stage.cache.layout.of("a", None)])
        assert await stage.cache.get("a") == "meanwhile"
        assert await stage.cache.get_many(["a"]) == {"a": "meanwhile"}
        assert await stage.cache.get_or_set("a", lambda: "computed") == "meanwhile"
        assert await stage.cache.exists("a")
        stage.clock.advance(61)
        assert await stage.cache.get("a") is None, "it lives no longer for being untold"

    with_server(scene)


def test_what_was_written_under_no_known_version_outlives_a_lost_connection() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("b", "before")
        hearing_of(stage).changed([stage.cache.state().mark])
        store.freeze()
        await stage.cache.set("a", "meanwhile")
        hearing_of(stage).everything_changed()
        assert await stage.cache.get("a") == "meanwhile"
        await stage.cache.clear()
        assert await stage.cache.get("a") is None

    with_server(scene)


@pytest.mark.parametrize("clears", ["the namespace", "its tag", "the key", "news of the namespace", "news of its tag"])
def test_what_was_cleared_does_not_come_back_from_what_is_untold(clears: str) -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        cache, layout = stage.cache, stage.cache.layout
        await cache.set("a", "before", tags=("t",))
        store.freeze()
        await cache.set("a", "meanwhile", tags=("t",))
        if clears == "the namespace":
            await cache.clear()
        elif clears == "its tag":
            await cache.clear(tag="t")
        elif clears == "the key":
            await cache.delete("a")
        else:
            mark = cache.state().mark if clears == "news of the namespace" else layout.tag_mark("default", "t")
            hearing_of(stage).changed([mark])
        for _ in range(2):
            hearing_of(stage).changed([layout.of("a", None)])
        assert await cache.get("a") is None

    with_server(scene)


def test_what_another_process_wrote_later_is_kept() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", 1)
        store.kill()
        await stage.cache.set("a", "mine")
        await stage.cache.delete("b")
        stage.clock.advance(0.5)
        store.heal()
        other = stage.another()
        await other.set("a", "theirs")
        await other.set("b", "theirs")
        await come_back(stage, store)
        assert await stage.another().get_many(list("ab")) == {"a": "theirs", "b": "theirs"}
        assert await stage.cache.get_many(list("ab")) == {"a": "theirs", "b": "theirs"}

    with_server(scene)


def test_a_write_whose_life_ended_meanwhile_still_ends_the_older_value() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", "old", ttl=100)
        store.kill()
        await stage.cache.set("a", "short", ttl=2)
        stage.clock.advance(3)
        await come_back(stage, store)
        assert await stage.another().get("a") is None

    with_server(scene)


def test_a_cache_that_never_met_its_server_works_and_tells_it_later() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        store.kill()
        await stage.cache.set("a", 1)
        assert await stage.cache.get_or_set("b", lambda: 2) == 2
        assert await stage.cache.get_many(list("ab")) == {"a": 1, "b": 2}
        await come_back(stage, store)
        assert await stage.cache.get_many(list("ab")) == {"a": 1, "b": 2}
        assert await stage.another().get_many(list("ab")) == {"a": 1, "b": 2}

    with_server(scene)


def test_a_value_whose_tags_nobody_knows_is_computed_and_not_kept() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", 1)
        store.kill()
        assert await stage.cache.get_or_set("t", lambda: 1, tags=("new",)) == 1
        assert await stage.cache.get("t") is None

    with_server(scene)


def test_a_full_server_forgets_the_older_value() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", "old")
        store.refuse("put", "put_many")
        assert not await stage.cache.set("a", "new")
        assert await stage.cache.get("a") == "new"
        assert await stage.another().get("a") is None
        assert await stage.cache.set_many({"a": 1, "b": 2}) == 0
        assert await stage.another().get_many(list("ab")) == {}

    with_server(scene)


def test_a_server_that_only_reads_is_told_again_later() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", "old")
        store.refuse("put", "remove")
        assert not await stage.cache.set("a", "new")
        assert not await stage.cache.delete("b")
        assert stage.cache.metrics().unsent == 2
        store.heal()
        await stage.cache.works.writer.recover()
        assert await stage.another().get("a") == "new"
        assert stage.cache.metrics().unsent == 0

    with_server(scene)


def test_a_server_that_is_slow_is_not_waited_for() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        store.delay = 5
        started = asyncio.get_running_loop().time()
        assert await stage.cache.get("a") is None
        assert await stage.cache.get_or_set("a", lambda: 1) == 1
        assert asyncio.get_running_loop().time() - started < 3
        store.delay = 0

    with_server(scene)


def test_a_cancelled_caller_disturbs_nobody() -> None:
    async def scene(stage: Stage, store: FaultyStore) -> None:
        await stage.cache.set("a", 1)
        other = stage.another()
        store.delay = 0.05
        running = [asyncio.create_task(other.get("a")) for _ in range(3)]
        await asyncio.sleep(0.01)
        running[1].cancel()
        assert [await running[0], await running[2]] == [1, 1]

    with_server(scene)


def missed(key: str, created_ms: int, blob: bytes | None = b"x" * 10) -> Missed:
    """A word on a key."""
    return Missed(key.encode(), "default", created_ms, blob, 1000)


def test_the_newest_word_on_a_key_wins() -> None:
    recovery = Recovery()
    recovery.add(missed("a", 1))
    recovery.add(missed("a", 2, None))
    recovery.add(missed("b", 1))
    assert [(each.name, each.blob is None) for each in recovery.listed()] == [(b"a", True), (b"b", False)]
    recovery.clear("default")
    assert [each.blob for each in recovery.listed()] == [None, None]


def test_what_is_remembered_is_bounded() -> None:
    recovery = Recovery(max_keys=10, max_bytes=35)
    for number in range(30):
        recovery.add(missed(f"k{number}", number))
    blobs = [each.blob for each in recovery.listed()]
    assert len(blobs) == 10
    assert blobs[:7] == [None] * 7, "the oldest are remembered as deletions"
    assert None not in blobs[7:]


def test_word_that_came_meanwhile_is_not_settled() -> None:
    recovery = Recovery()
    recovery.add(missed("a", 1))
    told = recovery.listed()
    recovery.add(missed("a", 2))
    recovery.settle_all(told)
    assert [each.created_ms for each in recovery.listed()] == [2]


@pytest.mark.parametrize(("age", "left"), [(0, 1000), (400, 600), (5000, 0), (-50, 1000)])
def test_a_write_lives_no_longer_for_being_told_late(age: int, left: int) -> None:
    clock = ManualClock()
    now_ms = int(clock.time() * 1000)
    assert missed("a", now_ms - age).left_ms(now_ms) == left
