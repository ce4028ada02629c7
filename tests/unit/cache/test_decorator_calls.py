"""What a cached function does, called in every way."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.cache.clock import ManualClock
from perfctl.cache.engine import AdvancedCache
from perfctl.cache.memory import MemoryStore
from perfctl.config import CacheConfig
from perfctl.errors import UsageError

CACHE = AdvancedCache(CacheConfig())


@CACHE.cache_decorator(ttl=60)
def at_import_time(number: int) -> int:
    """Doubles."""
    return number * 2


@dataclass(frozen=True)
class Quote:
    """A result that comes back as what it is."""

    symbol: str
    price: float


class Calls(list[Any]):
    """What reached the function."""


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cache(clock: ManualClock) -> AdvancedCache:
    return AdvancedCache(CacheConfig(ttl_jitter=0), clock=clock)


@pytest.fixture
def shared() -> AdvancedCache:
    """With a server behind it."""
    return AdvancedCache(CacheConfig(), store=MemoryStore())


def echo_of(cache: AdvancedCache, calls: Calls, **options: Any) -> Any:
    @cache.cache_decorator(**options)
    def echo(value: Any) -> Any:
        calls.append(value)
        return [value]

    return echo


@pytest.mark.parametrize("values", [(1, 1.0, True, "1", b"1", None, (1,), (True,), [1], [True]), (0.0, -0.0), ("a",)])
def test_equal_arguments_of_other_types_are_other_calls(
    cache: AdvancedCache, calls: Calls, values: tuple[Any, ...]
) -> None:
    echo = echo_of(cache, calls)
    for _ in range(4):
        for value in values:
            assert repr(echo(value)) == repr([value])
    assert len(calls) == len(values)


def test_a_mutable_argument_counts_as_what_it_is_at_the_call(cache: AdvancedCache, calls: Calls) -> None:
    echo = echo_of(cache, calls)
    wanted = [1]
    echo(wanted)
    echo(wanted)
    wanted.append(2)
    echo(wanted)
    assert len(calls) == 2


def test_however_arguments_are_passed_it_is_the_same_call(cache: AdvancedCache, calls: Calls) -> None:
    @cache.cache_decorator()
    def search(text: str, /, page: int = 1, *, size: int = 10) -> int:
        calls.append((text, page, size))
        return len(calls)

    for _ in range(3):
        assert {search("a"), search("a", 1), search("a", page=1), search("a", size=10, page=1)} == {1}
    assert calls == [("a", 1, 10)]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'text'"):
        search()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'sizes'"):
        search("a", sizes=1)  # type: ignore[call-arg]


def test_a_decorated_function_looks_like_itself() -> None:
    @CACHE.cache_decorator()
    async def waits(symbol: str, *, days: int = 1) -> list[str]:
        """Says so."""
        return [symbol] * days

    assert inspect.iscoroutinefunction(waits)
    assert not inspect.iscoroutinefunction(at_import_time)
    assert str(inspect.signature(waits)) == "(symbol: 'str', *, days: 'int' = 1) -> 'list[str]'"
    assert (waits.__name__, waits.__doc__, at_import_time.__doc__) == ("waits", "Says so.", "Doubles.")
    assert waits.__module__ == __name__
    assert inspect.unwrap(waits) is waits.__wrapped__


def test_a_function_may_be_decorated_at_import_time() -> None:
    assert at_import_time(4) == at_import_time(4) == 8


def parameters() -> st.SearchStrategy[str]:
    """The parameters of a function, as a `def` has them."""
    return st.builds(
        lambda first, plain, star, named, rest: ", ".join(
            [
                *(["a", "b=2", "/"] if first else []),
                *(["c=3", "d=4"][: plain + 0] if first else ["c", "d=4"][:plain]),
                *(["*e"] if star else ["*"] if named else []),
                *(["f", "g=7"][:named]),
                *(["**h"] if rest else []),
            ]
        ),
        st.booleans(),
        st.integers(0, 2),
        st.booleans(),
        st.integers(0, 2),
        st.booleans(),
    )


@given(
    parameters(),
    st.lists(st.sampled_from([1, True, "x", None, (1, 2)]), max_size=5),
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([1, 1.0, "y", [3]]), max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_any_call_gives_what_the_function_gives(declared: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    place: dict[str, Any] = {}
    exec(f"def function({declared}):\n    return repr(sorted(locals().items(), key=lambda item: item[0]))", place)
    function = place["function"]
    function.__module__ = "made"
    cached = AdvancedCache(CacheConfig()).cache_decorator()(function)

    def outcome(call: Callable[..., Any]) -> Any:
        try:
            return call(*args, **kwargs)
        except TypeError:
            return TypeError

    expected = outcome(function)
    assert [outcome(cached) for _ in range(3)] == [expected] * 3


def test_a_parameter_may_have_any_name(cache: AdvancedCache) -> None:
    @cache.cache_decorator()
    def odd(found: int, read: int, miss: int, now: int, kind: int, text: int) -> int:
        return found + read + miss + now + kind + text

    assert [odd(1, 2, 3, 4, 5, 6), odd(1, 2, 3, 4, 5, 6), odd(1, 2, 3, 4, 5, text=6)] == [21, 21, 21]


def test_a_value_that_left_the_tier_is_not_found_by_its_arguments(
    cache: AdvancedCache, clock: ManualClock, calls: Calls
) -> None:
    echo = echo_of(cache, calls, ttl=60, namespace="n")
    echo("a")
    for leave in (
        lambda: echo.invalidate("a"),
        lambda: clock.advance(61),
        lambda: asyncio.run(cache.clear("n")),
        lambda: asyncio.run(cache.delete(echo.key("a"), namespace="n")),
    ):
        calls.clear()
        for _ in range(3):
            echo("a")
        leave()
        for _ in range(3):
            echo("a")
        assert calls == ["a"]


def test_evicted_values_are_forgotten_by_their_functions_too() -> None:
    cache = AdvancedCache(CacheConfig(max_size_mb=0.05))

    @cache.cache_decorator()
    def long(number: int) -> str:
        return str(number) * 1000

    for number in range(200):
        assert long(number) == long(number) == long(number) == str(number) * 1000
    assert cache.local.size_bytes <= 50_000
    found = inspect.getclosurevars(long).nonlocals["_cached_found"].__self__
    assert len(found) == len(cache.local)


def test_a_write_to_the_key_is_what_the_function_gives(cache: AdvancedCache, calls: Calls) -> None:
    echo = echo_of(cache, calls, key="echo:{value}", namespace="n")
    echo("a")
    echo("a")
    asyncio.run(cache.set("echo:a", "other", namespace="n"))
    assert echo("a") == "other"


def test_functions_may_share_a_key(cache: AdvancedCache, calls: Calls) -> None:
    one, two = (echo_of(cache, calls, key="shared:{value}") for _ in range(2))
    for _ in range(3):
        assert one(1) == two(1) == one("1") == [1]
    one.invalidate(1)
    assert two("1") == one(1) == ["1"]
    assert calls == [1, "1"]


def test_a_method_shares_its_values_among_instances(cache: AdvancedCache, calls: Calls) -> None:
    class Repository:
        """Its own methods."""

        def __init__(self, tenant: str = "t") -> None:
            self.tenant = tenant

        @cache.cache_decorator()
        def find(self, number: int = 1) -> int:
            calls.append(number)
            return number

        @cache.cache_decorator(key="{self.tenant}:{number}")
        def own(self, number: int) -> str:
            return f"{self.tenant}{number}"

        @cache.cache_decorator()
        @classmethod
        def make(cls, number: int) -> int:
            calls.append(cls)
            return number

        @staticmethod
        @cache.cache_decorator()
        def double(number: int) -> int:
            calls.append(number)
            return number * 2

        @cache.cache_decorator()
        @staticmethod
        def triple(number: int) -> int:
            return number * 3

    class Other(Repository):
        """Inherits."""

    assert [Repository().find(), Repository().find(1), Other().find(number=1)] == [1, 1, 1]
    assert calls == [1]
    assert Repository.find.key(2) == Repository.find.key(Other(), 2) == Repository().find.key(number=2)  # type: ignore[arg-type]
    assert Repository.find.invalidate()
    assert Repository.find.refresh(Repository(), 1) == 1
    assert calls == [1, 1]
    assert [Repository("a").own(1), Repository("b").own(1), Repository("a").own(1)] == ["a1", "b1", "a1"]
    assert Repository.make(3) == Repository.make(3) == Repository().make(3) == 3
    assert Repository.double(2) == Repository.double(2) == Repository().double(2) == 4
    assert Repository.triple(2) == Repository().triple(2) == 6
    assert calls == [1, 1, Repository, 2]


def test_what_calls_a_method_needs_its_instance(cache: AdvancedCache) -> None:
    class Repository:
        """Its own methods."""

        @cache.cache_decorator(key="{self.tenant}:{number}")
        def find(self, number: int = 1) -> int:
            return number

    with pytest.raises(UsageError, match="is a method, and refresh was not given its 'self'") as caught:
        Repository.find.refresh(1)
    assert caught.value.hint == "pass it first: Repository.find.refresh(self, ...)"
    with pytest.raises(UsageError, match="is a method, and key was not given its 'self'"):
        Repository.find.key(1)


def test_refresh_calls_now_and_an_error_leaves_the_old_value(cache: AdvancedCache, shared: AdvancedCache) -> None:
    for each in (cache, shared):
        answers = iter([1, 2, ValueError("away")])

        @each.cache_decorator()
        async def rate() -> int:
            answer = next(answers)  # noqa: B023 - called within this turn
            if isinstance(answer, ValueError):
                raise answer
            return answer

        async def scene() -> None:
            assert [await rate(), await rate()] == [1, 1]
            assert await rate.refresh() == 2
            with pytest.raises(ValueError, match="away"):
                await rate.refresh()
            assert await rate() == 2

        asyncio.run(scene())


def test_bypass_neither_looks_nor_keeps(cache: AdvancedCache, calls: Calls) -> None:
    echo = echo_of(cache, calls)
    echo("a")
    assert [echo.bypass("a"), echo.bypass("b")] == [["a"], ["b"]]
    assert calls == ["a", "a", "b"]
    echo("b")
    assert calls == ["a", "a", "b", "b"]


def test_preload_has_what_is_missing(cache: AdvancedCache, shared: AdvancedCache) -> None:
    for each in (cache, shared):
        calls: list[Any] = []

        @each.cache_decorator(namespace="n")
        def price(symbol: str, days: int = 1) -> int:
            calls.append((symbol, days))  # noqa: B023 - called within this turn
            if symbol == "BAD":
                raise LookupError("no such symbol")
            return days

        @each.cache_decorator(namespace="n")
        async def quote(symbol: str, days: int = 1) -> int:
            return price.__wrapped__(symbol, days)

        wanted: list[Any] = ["A", ("B", 2), {"symbol": "C", "days": 3}, "BAD"]
        said = price.preload(wanted, concurrency=2)
        assert (said.namespace, said.loaded, said.failed) == ("n", 3, 1)
        assert said.rows == ("call ('BAD'): LookupError: no such symbol",)
        assert sorted(calls) == [("A", 1), ("B", 2), ("BAD", 1), ("C", 3)]
        assert [price("A"), price("B", 2), price("C", 3)] == [1, 2, 3]
        assert len(calls) == 4
        assert asyncio.run(quote.preload(iter(wanted), concurrency=2)).loaded == 3


def test_preload_may_have_one_factory_for_all_that_is_missing(cache: AdvancedCache, shared: AdvancedCache) -> None:
    for each in (cache, shared):
        batches: list[list[Any]] = []

        @each.cache_decorator(namespace="n", tags=("symbol:{symbol}",))
        def price(symbol: str) -> str:
            raise LookupError(symbol)

        @each.cache_decorator(namespace="a")
        async def quote(symbol: str) -> str:
            raise LookupError(symbol)

        def prices(wanted: list[Any]) -> list[str]:
            batches.append(wanted)  # noqa: B023 - called within this turn
            return [f"price {symbol}" for symbol in wanted]

        async def quotes(wanted: list[Any]) -> list[str]:
            return prices(wanted)

        assert price.preload(["A", "B"], factory=prices).loaded == 2
        assert price.preload(iter(["A", "B", "C", "C"]), factory=prices).loaded == 4
        assert asyncio.run(quote.preload(["A"], factory=quotes)).loaded == 1
        assert batches == [["A", "B"], ["C"], ["A"]]
        assert [price("A"), price("C"), asyncio.run(quote("A"))] == ["price A", "price C", "price A"]
        asyncio.run(each.clear("n", tag="symbol:A"))
        with pytest.raises(LookupError):
            price("A")
        said = price.preload(["X", "Y"], factory=lambda wanted: wanted[:1])
        assert (said.loaded, said.failed) == (0, 2)
        assert "the preload's factory returned 1 results for 2 calls" in said.rows[0]


def test_a_condition_says_what_is_kept(cache: AdvancedCache, calls: Calls) -> None:
    by_result = echo_of(cache, calls, condition=lambda result: result != [0], namespace="result")
    by_call = echo_of(cache, calls, condition=lambda result, value: value != 0, namespace="call")
    for echo in (by_result, by_call):
        calls.clear()
        assert [echo(0), echo(0), echo(1), echo(1)] == [[0], [0], [1], [1]]
        assert calls == [0, 0, 1]


def test_a_copy_for_each_caller_is_an_option() -> None:
    cache = AdvancedCache(CacheConfig(copy_on_hit=True))

    @cache.cache_decorator()
    def rows(number: int) -> list[int]:
        return [number]

    for _ in range(4):
        got = rows(1)
        assert got == [1]
        got.append(2)


def test_an_error_reaches_the_caller_and_is_not_kept(cache: AdvancedCache, shared: AdvancedCache) -> None:
    for each in (cache, shared):
        answers: list[Any] = [OSError("away"), 5]

        @each.cache_decorator()
        def flaky() -> int:
            answer = answers.pop(0)  # noqa: B023 - called within this turn
            if isinstance(answer, OSError):
                raise answer
            return int(answer)

        with pytest.raises(OSError, match="away"):
            flaky()
        assert [flaky(), flaky()] == [5, 5]


def test_cached_functions_may_call_each_other_and_themselves(cache: AdvancedCache, shared: AdvancedCache) -> None:
    for each in (cache, shared):

        @each.cache_decorator()
        def fibonacci(number: int) -> int:
            return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)

        @each.cache_decorator()
        async def factorial(number: int) -> int:
            return 1 if number < 2 else number * await factorial(number - 1)

        @each.cache_decorator()
        async def both(number: int) -> int:
            return fibonacci(number) + await factorial(number)

        assert fibonacci(40) == 102334155
        assert asyncio.run(both(10)) == 55 + 3628800


def test_a_caller_that_is_cancelled_takes_nobody_along(shared: AdvancedCache, calls: Calls) -> None:
    @shared.cache_decorator()
    async def slow(number: int) -> int:
        calls.append(number)
        await asyncio.sleep(0.05)
        return number

    async def scene() -> None:
        first = asyncio.create_task(slow(1))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(slow(1))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await asyncio.wait_for(second, 5) == 1

    asyncio.run(scene())


def test_many_threads_and_loops_make_one_call(shared: AdvancedCache, calls: Calls) -> None:
    started = threading.Barrier(8)

    @shared.cache_decorator()
    def slow(number: int) -> int:
        calls.append(number)
        threading.Event().wait(0.05)
        return number

    @shared.cache_decorator()
    async def waits(number: int) -> int:
        calls.append(number)
        await asyncio.sleep(0.05)
        return number

    answers: list[int] = []

    def work() -> None:
        started.wait(10)
        answers.append(slow(1))
        answers.append(asyncio.run(waits(2)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == [1] * 8 + [2] * 8
    assert sorted(calls) == [1, 2]


@pytest.mark.parametrize("turn", range(3))
def test_one_event_loop_a_test_is_no_trouble(turn: int) -> None:
    """As pytest plugins have it: the same cached function, and a loop that is closed at the end of each test."""

    @CACHE.cache_decorator(key="turn:{number}")
    async def waits(number: int) -> int:
        await asyncio.sleep(0)
        return number

    assert asyncio.run(waits(turn)) == asyncio.run(waits(turn)) == turn


def test_a_disabled_cache_calls_the_function_each_time(shared: AdvancedCache, calls: Calls) -> None:
    echo = echo_of(shared, calls)
    for _ in range(3):
        echo("a")
    with shared.disabled():
        for _ in range(3):
            assert echo("a") == ["a"]
    assert calls == ["a"] * 4


def test_a_clock_moves_what_is_kept_past_its_ttl(cache: AdvancedCache, clock: ManualClock, calls: Calls) -> None:
    echo = echo_of(cache, calls, ttl=60)
    echo("a")
    clock.advance(59)
    echo("a")
    assert calls == ["a"]
    clock.advance(2)
    echo("a")
    assert calls == ["a", "a"]


def test_what_a_function_says_it_returns_comes_back_as_such_from_redis() -> None:
    store = MemoryStore()

    def quote(symbol: str) -> dict[str, Quote]:
        return {symbol: Quote(symbol, 1.5)}

    first, second = (AdvancedCache(CacheConfig(), store=store) for _ in range(2))
    assert first.cache_decorator()(quote)("A") == second.cache_decorator()(quote)("A") == {"A": Quote("A", 1.5)}
    assert second.metrics().namespaces["default"].hits_l2 == 1


def test_tags_clear_what_a_function_kept(cache: AdvancedCache, shared: AdvancedCache, calls: Calls) -> None:
    for each in (cache, shared):
        calls.clear()
        echo = echo_of(each, calls, tags=("value:{value}", "all"), namespace="n")
        for _ in range(3):
            echo(1)
            echo(2)
        asyncio.run(each.clear("n", tag="value:1"))
        for _ in range(3):
            echo(1)
            echo(2)
        assert calls == [1, 2, 1]
        asyncio.run(each.clear("n", tag="all"))
        echo(2)
        assert calls == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("options", "says", "hint"),
    [
        ({"ttl": "60s"}, "ttl='60s' is not a number of seconds above 0", "ttl=60 is a minute"),
        ({"ttl": 0}, "ttl=0 is not a number of seconds above 0", "ttl=60 is a minute"),
        ({"ttl": True}, "ttl=True is not a number", "ttl=60"),
        ({"soft_timeout": -1}, "soft_timeout=-1 is not a number", "soft_timeout=60"),
        ({"tags": "user"}, "tags='user' is not a tuple of texts", "write tags=('user',)"),
        ({"ignore": "session"}, "ignore='session' is not a tuple of texts", "write ignore=('session',)"),
        ({"namespace": ""}, "namespace='' is not text", 'namespace="api"'),
        ({"key": 7}, "key=7 is not a template or a plain function", 'key="user:{user.id}"'),
        ({"condition": "x"}, "condition='x' is not a plain function", "condition=lambda result"),
        ({"version": 1.5}, "version=1.5 is not a number or text", "version=2"),
        ({"eager": 2}, "eager=2 is not a share of the TTL, 0 to 1", "eager=0.8"),
        ({"sliding": "yes"}, "sliding='yes' is not True or False", "sliding=True"),
        ({"tll": 5}, "has no option 'tll'", "did you mean ttl?"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused_by_name(options: dict[str, Any], says: str, hint: str) -> None:
    def profile(user_id: int) -> None: ...

    with pytest.raises(UsageError) as caught:
        CACHE.cache_decorator(**options)(profile)
    assert caught.value.message.startswith("cache_decorator of ")
    assert "profile" in caught.value.message
    assert says in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (int, "cannot cache int: it is a class"),
        (len, "cannot cache len: it is a builtin_function_or_method"),
        (None, "was given None, which is no function"),
    ],
)
def test_what_is_no_function_is_refused(function: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        CACHE.cache_decorator()(function)
