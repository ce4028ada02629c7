"""Caching what a function returns."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.functions.keymaker import KeyMaker
from perfctl.cache.functions.texts import repeatable
from perfctl.cache.memory import MemoryStore
from perfctl.config import CacheConfig
from perfctl.errors import UsageError


class Colour(Enum):
    """An argument."""

    RED = 1


@dataclass(frozen=True)
class User:
    """Another one."""

    id: int
    tags: tuple[str, ...] = ()


@pytest.fixture
def cache() -> AdvancedCache:
    return AdvancedCache(CacheConfig())


@pytest.fixture
def shared() -> AdvancedCache:
    """With a server behind it."""
    return AdvancedCache(CacheConfig(), store=MemoryStore())


def test_an_async_function_is_called_once_for_the_same_arguments(cache: AdvancedCache) -> None:
    calls: list[tuple[Any, ...]] = []

    @cache.cache_decorator(ttl=60, namespace="api")
    async def quote(symbol: str, *, days: int = 1) -> dict[str, Any]:
        calls.append((symbol, days))
        return {"symbol": symbol}

    async def scene() -> None:
        for _ in range(3):
            assert await quote("A") == {"symbol": "A"}
        await quote("A", days=1)
        await quote(symbol="A")
        await quote("A", days=2)
        assert calls == [("A", 1), ("A", 2)]
        assert await quote.invalidate("A")
        await quote("A")
        assert calls == [("A", 1), ("A", 2), ("A", 1)]

    asyncio.run(scene())
    assert quote.__name__ == "quote"
    assert quote.key("A") == quote.key("A", days=1) != quote.key("A", days=2)


def test_a_plain_function_stays_plain_with_a_server_and_without(cache: AdvancedCache, shared: AdvancedCache) -> None:
    for each in (cache, shared):
        calls: list[int] = []

        @each.cache_decorator(namespace="api")
        def double(number: int) -> int:
            calls.append(number)  # noqa: B023 - called within this turn
            return number * 2

        assert [double(2), double(2), double(3)] == [4, 4, 6]
        assert double.invalidate(2)
        assert double(2) == 4
        assert calls == [2, 3, 2]


def test_a_plain_function_reads_what_another_process_computed() -> None:
    store = MemoryStore()

    def price(symbol: str) -> str:
        return f"computed {symbol}"

    first, second = (AdvancedCache(CacheConfig(), store=store) for _ in range(2))
    assert first.cache_decorator()(price)("A") == "computed A"
    assert second.cache_decorator()(price)("A") == "computed A"
    assert second.metrics().namespaces["default"].hits_l2 == 1


def test_a_plain_function_may_be_called_where_an_event_loop_runs(shared: AdvancedCache) -> None:
    @shared.cache_decorator()
    def answer() -> int:
        return 42

    async def scene() -> list[int]:
        return [answer(), answer()]

    assert asyncio.run(scene()) == [42, 42]


def test_self_stays_out_of_the_key(cache: AdvancedCache) -> None:
    class Repository:
        calls = 0

        @cache.cache_decorator()
        def find(self, number: int) -> int:
            Repository.calls += 1
            return number

    assert [Repository().find(1), Repository().find(1)] == [1, 1]
    assert Repository.calls == 1
    assert Repository.find.key(1).endswith("Repository.find(1)")
    assert Repository.find.invalidate(1)


def test_a_key_may_be_a_template_or_a_function(cache: AdvancedCache) -> None:
    @cache.cache_decorator(key="user:{user.id}:{page}")
    def by_template(user: User, page: int = 1) -> int:
        return page

    @cache.cache_decorator(key=lambda user, page=1: f"u{user.id}p{page}")
    def by_function(user: User, page: int = 1) -> int:
        return page

    assert by_template.key(User(7)) == "user:7:1"
    assert by_function.key(User(7), page=2) == "u7p2"
    by_template(User(7))
    assert asyncio.run(cache.get("user:7:1")) == 1


def test_none_is_kept(cache: AdvancedCache) -> None:
    calls: list[int] = []

    @cache.cache_decorator()
    def nothing() -> None:
        calls.append(1)

    nothing()
    nothing()
    assert calls == [1]


def test_an_argument_without_repeatable_text_is_refused(cache: AdvancedCache) -> None:
    @cache.cache_decorator()
    def take(thing: object) -> int:
        return 1

    with pytest.raises(UsageError, match="the argument 'thing' of type object has no text"):
        take(object())


def test_a_result_that_would_not_come_back_is_refused_at_the_first_call(cache: AdvancedCache) -> None:
    @cache.cache_decorator()
    def give() -> dict[str, Any]:
        return {"user": User(1)}

    with pytest.raises(UsageError, match=r"User at value\['user'\]"):
        give()


def test_a_generator_is_refused(cache: AdvancedCache) -> None:
    def count() -> Iterator[int]:
        yield 1

    with pytest.raises(UsageError, match="it is a generator"):
        cache.cache_decorator()(count)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (True, "True"),
        ("1", "'1'"),
        (1.0, "1.0"),
        ([1, (2,)], "[1,(2)]"),
        ({"b": 1, "a": 2}, "{'a':2,'b':1}"),
        ({3, 1, 2}, "{1,2,3}"),
        (Colour.RED, f"{__name__}.Colour.RED"),
        (User(1, ("x",)), f"{__name__}.User{{'id':1,'tags':('x')}}"),
        (date(2026, 1, 2), "datetime.date(2026, 1, 2)"),
        (None, "None"),
        (object, None),
        ([object()], None),
    ],
)
def test_text_of_an_argument_is_repeatable(value: Any, text: str | None) -> None:
    assert repeatable(value) == text


def test_two_processes_make_the_same_key() -> None:
    line = (
        "from perfctl.cache.functions.texts import repeatable;"
        "print(repeatable({'b': {'x', 'y', 'z'}, 'a': frozenset({'q', 'r'})}))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", line], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_a_call_that_the_function_would_refuse_is_refused() -> None:
    def one(number: int) -> int:
        return number

    with pytest.raises(TypeError):
        KeyMaker(one).bind((1, 2), {})
