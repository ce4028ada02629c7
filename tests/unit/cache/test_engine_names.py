"""Names that are no text, one text where many are meant, a decorator without parentheses: each is explained."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from perfctl.errors import UsageError
from perfctl.optimizer import PerformanceOptimizer

CASES: dict[str, tuple[Callable[[Any], Awaitable[Any]], str]] = {
    "get": (lambda cache: cache.get(5), "the key 5 is no text, but int"),
    "get of None": (lambda cache: cache.get(None), "the key None is no text, but NoneType"),
    "set": (lambda cache: cache.set(5, 1), "the key 5 is no text, but int"),
    "set_many": (lambda cache: cache.set_many({1: 2}), "the key 1 is no text, but int"),
    "get_or_set": (lambda cache: cache.get_or_set(5, lambda: 1), "the key 5 is no text, but int"),
    "delete": (lambda cache: cache.delete(5), "the key 5 is no text, but int"),
    "exists": (lambda cache: cache.exists(b"k"), "the key b'k' is no text, but bytes"),
    "namespace": (lambda cache: cache.get("k", namespace=5), "the namespace 5 is no text, but int"),
    "clear": (lambda cache: cache.clear(7), "the namespace 7 is no text, but int"),
    "clear of a tag": (lambda cache: cache.clear(tag=7), "the tag 7 is no text, but int"),
    "tags": (lambda cache: cache.set("k", 1, tags="users"), "tags: 'users' is one text, and no sequence of tags"),
    "a tag": (lambda cache: cache.set("k", 1, tags=(5,)), "the tag 5 is no text, but int"),
    "computed": (lambda cache: cache.get_or_set("k", lambda: 1, tags="users"), "tags: 'users' is one text"),
    "get_many": (lambda cache: cache.get_many("abc"), "keys: 'abc' is one text, and no list of keys"),
    "delete_many": (lambda cache: cache.delete_many("abc"), "keys: 'abc' is one text, and no list of keys"),
    "get_or_set_many": (lambda cache: cache.get_or_set_many("abc", dict.fromkeys), "keys: 'abc' is one text"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    ask, complaint = CASES[name]

    async def scene() -> None:
        async with AdvancedCache(CacheConfig()) as cache:
            with pytest.raises(UsageError) as refused:
                await ask(cache)
            assert (str(refused.value)[: len(complaint)], bool(refused.value.hint)) == (complaint, True)

    asyncio.run(scene())


@pytest.mark.parametrize("owner", [AdvancedCache(CacheConfig()), PerformanceOptimizer(cache_config=CacheConfig())])
def test_a_decorator_without_its_parentheses_says_so(owner: Any) -> None:
    with pytest.raises(UsageError, match=r"was given .*price, and takes options by name alone") as refused:

        @owner.cache_decorator
        def price() -> int:
            return 1

    assert refused.value.hint == "write @cache_decorator() or @cache_decorator(ttl=60)"
