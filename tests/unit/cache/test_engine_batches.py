"""Many keys at once: one question to the server, one call of the factory, every protection of a single key."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

import pytest

from perfctl.errors import TimedOutError
from tests.unit.cache.test_engine_stale import BOTH, TTL, Stage, play


class Table:
    """A factory for many keys, which answers what it has."""

    def __init__(self, *, without: str = "", answer: str = "new") -> None:
        self.without = without
        self.answer = answer
        self.error: Exception | None = None
        self.seconds = 0.0
        self.calls: list[list[str]] = []

    async def __call__(self, keys: list[str]) -> dict[str, Any]:
        self.calls.append(keys)
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return {key: f"{self.answer} {key}" for key in keys if key not in self.without}


@BOTH
def test_many_are_set_and_had(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.cache.set_many({"a": 1, "b": 2}) == (2 if has_server else 0)
        assert await stage.cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
        counts = stage.cache.metrics().namespaces["default"]
        assert (counts.hits, counts.misses, counts.sets) == (2, 1, 2)
        await stage.cache.delete_many(["a", "b"])
        assert await stage.cache.get_many(["a", "b"]) == {}

    play(scene, has_server=has_server)


def test_many_cost_one_question() -> None:
    async def scene(stage: Stage) -> None:
        assert stage.store is not None
        await stage.cache.set_many({f"k{number}": number for number in range(100)})
        other = stage.another()
        await other.get("k0")
        stage.store.calls.clear()
        assert len(await other.get_many([f"k{number}" for number in range(100)])) == 100
        assert stage.store.calls == ["get_many"]

    play(scene)


@BOTH
def test_the_factory_is_called_once_for_what_is_missing(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        await stage.cache.set("b", "here")
        table = Table()
        found = await stage.cache.get_or_set_many(["a", "b", "c", "a"], table)
        assert found == {"a": "new a", "b": "here", "c": "new c"}
        assert table.calls == [["a", "c"]]
        assert await stage.cache.get_or_set_many(["a", "b", "c"], table) == found
        assert await stage.cache.get_or_set_many([], table) == {}
        assert len(table.calls) == 1
        assert await stage.cache.get("a") == "new a"

    play(scene, has_server=has_server)


@BOTH
def test_a_plain_factory_will_do(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.cache.get_or_set_many(list("ab"), lambda keys: dict.fromkeys(keys, 1)) == {"a": 1, "b": 1}

    play(scene, has_server=has_server)


@BOTH
def test_what_the_factory_leaves_out_is_asked_for_again(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        table = Table(without="b")
        assert await stage.cache.get_or_set_many(list("ab"), table) == {"a": "new a"}
        assert await stage.cache.get_or_set_many(list("ab"), table) == {"a": "new a"}
        assert table.calls == [["a", "b"], ["b"]]

    play(scene, has_server=has_server)


@BOTH
def test_with_a_negative_ttl_what_is_left_out_is_a_none(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        table = Table(without="b")
        for _ in range(2):
            assert await stage.cache.get_or_set_many(list("ab"), table, negative_ttl=2) == {"a": "new a", "b": None}
        assert table.calls == [["a", "b"]]
        stage.clock.advance(3)
        await stage.cache.get_or_set_many(list("ab"), table, negative_ttl=2)
        assert table.calls[1:] == [["b"]]

    play(scene, has_server=has_server)


@BOTH
def test_what_the_factory_returns_beside_is_kept(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.cache.get_or_set_many(list("a"), lambda keys: {"a": 1, "z": 26}) == {"a": 1}
        assert await stage.cache.get("z") == 26

    play(scene, has_server=has_server)


@BOTH
def test_keys_that_somebody_computes_are_waited_for(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        first, second = Table(answer="first"), Table(answer="second")
        first.seconds = 0.03
        running = asyncio.create_task(stage.cache.get_or_set_many(list("ab"), first))
        await asyncio.sleep(0.01)
        alone = asyncio.create_task(stage.cache.get_or_set("a", lambda: "alone"))
        assert await stage.cache.get_or_set_many(list("bc"), second) == {"b": "first b", "c": "second c"}
        assert await running == {"a": "first a", "b": "first b"}
        assert await alone == "first a"
        assert (first.calls, second.calls) == ([["a", "b"]], [["c"]])

    play(scene, has_server=has_server)


def test_keys_that_another_process_computes_are_waited_for() -> None:
    async def scene(stage: Stage) -> None:
        first, second = Table(answer="first"), Table(answer="second")
        first.seconds = second.seconds = 0.03
        other = stage.another()
        answers = await asyncio.gather(
            stage.cache.get_or_set_many(list("abc"), first), other.get_or_set_many(list("cbd"), second)
        )
        assert sorted(chain(*first.calls, *second.calls)) == ["a", "b", "c", "d"]
        assert answers[0]["b"] == answers[1]["b"]

    play(scene)


@BOTH
def test_stale_values_stand_in_for_keys_whose_factory_fails(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        table = Table(answer="old")
        await stage.cache.get_or_set_many(list("ab"), table)
        stage.clock.advance(TTL + 1)
        table.error = RuntimeError("down")
        assert await stage.cache.get_or_set_many(list("ab"), table) == {"a": "old a", "b": "old b"}
        with pytest.raises(RuntimeError, match="down"):
            await stage.cache.get_or_set_many(list("ac"), table)
        table.error = None
        assert (await stage.cache.get_or_set_many(list("c"), table)) == {"c": "old c"}

    play(scene, has_server=has_server)


@BOTH
def test_a_slow_batch_gives_stale_values_or_an_error_and_completes(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        table = Table(answer="old")
        await stage.cache.get_or_set_many(list("ab"), table)
        stage.clock.advance(TTL + 1)
        table.answer, table.seconds = "new", 0.08
        assert await stage.cache.get_or_set_many(list("ab"), table, soft_timeout=0.01) == {"a": "old a", "b": "old b"}
        with pytest.raises(TimedOutError, match="'c'"):
            await stage.cache.get_or_set_many(list("c"), table, hard_timeout=0.01)
        await asyncio.sleep(0.2)
        assert await stage.cache.get_many(list("abc")) == {"a": "new a", "b": "new b", "c": "new c"}
        assert len(table.calls) == 3

    play(scene, has_server=has_server)


@BOTH
def test_what_is_late_in_its_life_is_refreshed_by_one_call_and_not_waited_for(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        table = Table(answer="old")
        await stage.cache.get_or_set_many(list("ab"), table, eager=0.8)
        stage.clock.advance(8.5)
        await stage.cache.set("c", "young")
        table.answer = "new"
        for _ in range(3):
            found = await stage.cache.get_or_set_many(list("abc"), table, eager=0.8)
            assert found == {"a": "old a", "b": "old b", "c": "young"}
        await asyncio.sleep(0.02)
        assert table.calls[1:] == [["a", "b"]]
        assert await stage.cache.get_many(list("ab")) == {"a": "new a", "b": "new b"}

    play(scene, has_server=has_server)


@BOTH
def test_a_batch_that_is_cancelled_leaves_its_keys_to_others(has_server: bool) -> None:
    async def scene(stage: Stage) -> None:
        table = Table()
        table.seconds = 30
        running = asyncio.create_task(stage.cache.get_or_set_many(list("ab"), table))
        await asyncio.sleep(0.01)
        waiting = asyncio.create_task(stage.cache.get_or_set_many(list("ab"), Table(answer="quick")))
        await asyncio.sleep(0.01)
        running.cancel()
        assert await asyncio.wait_for(waiting, 5) == {"a": "quick a", "b": "quick b"}

    play(scene, has_server=has_server)


def test_while_redis_is_away_a_batch_is_computed_and_kept_here() -> None:
    async def scene(stage: Stage) -> None:
        assert stage.store is not None
        stage.store.kill()
        assert await stage.cache.get_or_set_many(list("ab"), Table()) == {"a": "new a", "b": "new b"}
        assert await stage.cache.set_many({"c": 3}) == 0
        assert await stage.cache.get_many(list("abc")) == {"a": "new a", "b": "new b", "c": 3}

    play(scene)
