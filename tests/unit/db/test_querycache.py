"""The store of a database that stands by itself: bounded by bytes, each answer for a time, forgotten at a write."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from perfctl.db.postgres import Record, records_of
from perfctl.db.querycache import LocalRowStore
from perfctl.db.querycache.cache import _key
from perfctl.db.querycache.local import LocalShelf


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def rows(*values: Any) -> list[Record]:
    return records_of(("v",), [(value,) for value in values])


async def _asked(
    shelf: LocalShelf, place: str, found: list[Record], *, tables: tuple[str, ...] = ("t",), ttl: float = 60.0
) -> bool:
    async def read() -> list[Record]:
        return found

    given, was_cached = await shelf.get(place, place, read, tables=tables, ttl_seconds=ttl)
    assert given == found
    return was_cached


def test_an_answer_is_found_by_its_place_until_its_time_is_up() -> None:
    clock = Clock()
    shelf = LocalRowStore(10_000, clock=clock).shelf()
    assert shelf.here("a") is None
    assert not asyncio.run(_asked(shelf, "a", rows(1)))
    assert shelf.here("a") == rows(1)
    assert shelf.here("b") is None
    clock.now = 60.0
    assert shelf.here("a") is None


def test_statements_do_not_see_each_others_answers() -> None:
    store = LocalRowStore(10_000)
    first, second = store.shelf(), store.shelf()
    asyncio.run(_asked(first, "a", rows(1)))
    assert second.here("a") is None


def test_a_write_forgets_the_answers_of_its_table_alone() -> None:
    store = LocalRowStore(10_000)
    shelf = store.shelf()
    asyncio.run(_asked(shelf, "a", rows(1), tables=("t", "u")))
    asyncio.run(_asked(shelf, "b", rows(2), tables=("u",)))
    asyncio.run(store.forget("", ["t"]))
    assert (shelf.here("a"), shelf.here("b")) == (None, rows(2))
    asyncio.run(store.forget("", None))
    assert shelf.here("b") is None


def test_what_was_read_before_a_write_is_never_kept() -> None:
    store = LocalRowStore(10_000)
    shelf = store.shelf()

    async def overtaken() -> list[Record]:
        await store.forget("", ["t"])
        return rows("old")

    asyncio.run(shelf.get("a", "a", overtaken, tables=("t",), ttl_seconds=60.0))
    assert shelf.here("a") is None


def test_the_bytes_stay_within_the_bound_and_the_oldest_goes_first() -> None:
    store = LocalRowStore(20_000)
    shelf = store.shelf()
    for number in range(100):
        asyncio.run(_asked(shelf, f"{number}", rows("x" * 1000)))
        assert store.size_bytes <= 20_000
        assert shelf.here("0") == (rows("x" * 1000)) or number > 5
        shelf.here("0")
    assert shelf.here("99") is not None
    assert shelf.here("50") is None
    assert shelf.here("0") is not None


def test_an_answer_larger_than_the_bound_is_not_kept() -> None:
    store = LocalRowStore(2_000)
    shelf = store.shelf()
    asyncio.run(_asked(shelf, "a", rows("x" * 5_000)))
    assert (shelf.here("a"), store.size_bytes) == (None, 0)


class _Statement:
    context, sql = "c", "SELECT 1"


def key(*values: object) -> str | None:
    return _key(cast(Any, _Statement()), values)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (True,)),
        ((1,), (1.0,)),
        ((1,), ("1",)),
        (("a", "b"), ("a','b",)),
        ((None,), ("None",)),
        ((b"a",), ("a",)),
    ],
)
def test_values_of_different_types_have_different_keys(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert key(*one) != key(*other)
    assert key(*one) == key(*one)


@pytest.mark.parametrize("value", [{"a": 1}, object(), "now", " Today ", [["x", {}]]])
def test_values_without_a_lasting_text_have_no_key(value: object) -> None:
    assert key(value) is None
