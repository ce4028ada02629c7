"""No two cached functions are given each other's values, whatever they are called."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Optional, TypeVar
from weakref import WeakKeyDictionary

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.memory import MemoryStore
from perfctl.cache.values import types
from perfctl.config import CacheConfig
from perfctl.errors import UsageError

_T = TypeVar("_T")


@dataclass
class Box(Generic[_T]):
    """A result whose class is generic."""

    content: _T


@pytest.fixture
def cache() -> AdvancedCache:
    return AdvancedCache(CacheConfig())


def times(cache: AdvancedCache, factor: Any) -> Any:
    @cache.cache_decorator()
    def product(number: int) -> Any:
        return number * factor

    return product


def applied(cache: AdvancedCache, function: Callable[[int], Any]) -> Any:
    @cache.cache_decorator()
    def result(number: int) -> Any:
        return function(number)

    return result


def test_closures_over_other_constants_keep_other_values(cache: AdvancedCache) -> None:
    assert [times(cache, factor)(3) for factor in (2, 5, 2)] == [6, 15, 6]
    texts = [times(cache, factor).key(3) for factor in (1, 1.0, True, "1", b"1", (1,))]
    assert len(set(texts)) == 6
    assert times(cache, "secret").key(3) == times(AdvancedCache(CacheConfig()), "secret").key(3)
    assert "secret" not in times(cache, "secret").key(3)


def test_closures_over_other_functions_keep_other_values(cache: AdvancedCache) -> None:
    def double(number: int) -> int:
        return 2 * number

    assert applied(cache, double)(4) == 8
    assert applied(cache, hex)(4) == "0x4"
    assert applied(cache, double).key(4) == applied(cache, double).key(4)


def test_a_closure_over_what_has_no_repeatable_text_has_its_name_alone(cache: AdvancedCache) -> None:
    assert times(cache, object()).key(3).endswith("times.<locals>.product(3)")


def test_two_functions_of_one_name_are_refused(cache: AdvancedCache) -> None:
    @functools.singledispatch
    def shown(value: Any) -> str:
        return "any"

    @shown.register
    @cache.cache_decorator()
    def _(value: int) -> str:
        return "a number"

    with pytest.raises(UsageError, match=r"line \d+ has a cached function of that name"):

        @shown.register
        @cache.cache_decorator()
        def _(value: str) -> str:
            return "a text"

    for options in ({"version": 2}, {"key": "shown:{value}"}, {"namespace": "other"}):

        @shown.register
        @cache.cache_decorator(**options)
        def _(value: str) -> str:
            return "a text"

        assert shown("1") == "a text"
    assert shown(1) == "a number"


def test_one_definition_may_be_decorated_again(cache: AdvancedCache) -> None:
    def plain(number: int) -> int:
        return number

    keys = {cache.cache_decorator(ttl=ttl)(plain).key(1) for ttl in (1, 2)}
    assert len(keys) == 1


def test_a_module_may_be_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: AdvancedCache) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = tmp_path / "loaded_again.py"
    source = "def decorated(function): return function\n\n@decorated\ndef answer(n):\n    return n\n"
    module.write_text(source)
    loaded = importlib.import_module("loaded_again")
    try:
        first = cache.cache_decorator()(loaded.answer)
        module.write_text("# one more line\n" + source)
        importlib.invalidate_caches()
        second = cache.cache_decorator()(importlib.reload(loaded).answer)
        assert first.key(1) == second.key(1)
    finally:
        del sys.modules["loaded_again"]


def test_classes_that_an_annotation_names_in_text_within_it_come_back(cache: AdvancedCache) -> None:
    def boxes(number: int) -> list["Box[int]"]:  # noqa: UP037 - as people write it
        return [Box(number)]

    def perhaps(number: int) -> Any:
        return Later(number)

    perhaps.__annotations__["return"] = Optional["Later"]
    store = MemoryStore()
    first, second = (AdvancedCache(CacheConfig(), store=store) for _ in range(2))
    for function, value in ((boxes, [Box(1)]), (perhaps, Later(1))):
        assert first.cache_decorator()(function)(1) == second.cache_decorator()(function)(1) == value
    assert second.metrics().namespaces["default"].hits_l2 == 2


def test_a_generic_class_may_be_called_with_its_parameter(cache: AdvancedCache) -> None:
    def box(number: int) -> Box[int]:
        return Box[int](number)

    store = MemoryStore()
    first, second = (AdvancedCache(CacheConfig(), store=store) for _ in range(2))
    assert first.cache_decorator()(box)(1) == second.cache_decorator()(box)(1) == Box(1)
    assert second.metrics().namespaces["default"].hits_l2 == 1


def test_a_preload_knows_the_classes_of_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(number: int) -> Later:
        return Later(number)

    store = MemoryStore()
    asked: list[int] = []

    def laters(wanted: list[Any]) -> list[Any]:
        asked.extend(wanted)
        return [Later(number) for number in wanted]

    for _ in range(2):  # as another process, in which nothing is registered yet
        monkeypatch.setattr(types, "_names", {})
        monkeypatch.setattr(types, "_forms", WeakKeyDictionary())
        cached = AdvancedCache(CacheConfig(), store=store).cache_decorator()(later)
        assert cached.preload([1, 2], factory=laters).loaded == 2
    assert asked == [1, 2]


@dataclass
class Later:
    """Defined after who names it."""

    number: int
