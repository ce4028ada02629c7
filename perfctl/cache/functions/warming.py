"""Having the results of many calls before anybody asks for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable
from itertools import islice
from typing import Any

from perfctl.cache.model import Preloaded
from perfctl.errors import UsageError

_SHOWN_FAULTS = 20
_BATCH = 1000


class Calls:
    """Calls handed out one by one, each to one worker, and what became of them."""

    def __init__(self, calls: Iterable[Any]) -> None:
        self._calls = iter(calls)
        self._started = time.perf_counter()
        self._loaded = 0
        self._faults: list[str] = []
        self._failed = 0

    def __iter__(self) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        for call in self._calls:
            yield passed(call)

    def ended(self, args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception | None) -> None:
        """One more is there, or its function raised."""
        if error is None:
            self._loaded += 1
            return
        self._failed += 1
        if len(self._faults) < _SHOWN_FAULTS:
            said = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
            self._faults.append(f"call ({', '.join(said)}): {type(error).__name__}: {error}")

    def summed(self, namespace: str) -> Preloaded:
        """The answer."""
        took_ms = (time.perf_counter() - self._started) * 1000
        return Preloaded(namespace, self._loaded, self._failed, 0, took_ms, tuple(self._faults))


def passed(call: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call as it is listed: a tuple of arguments, a dict of them by name, or the only argument.

    >>> passed(("AAPL", 5)), passed({"symbol": "AAPL"}), passed("AAPL")
    ((('AAPL', 5), {}), ((), {'symbol': 'AAPL'}), (('AAPL',), {}))
    """
    if isinstance(call, tuple):
        return call, {}
    return ((), call) if isinstance(call, dict) else ((call,), {})


async def warm(
    function: Callable[..., Coroutine[Any, Any, Any]], calls: Iterable[Any], namespace: str, *, concurrency: int
) -> Preloaded:
    """Call a cached function with each of `calls`, so many at a time. A call that raises is told in the answer."""
    listed = Calls(calls)
    queue = iter(listed)

    async def work() -> None:
        for args, kwargs in queue:
            try:
                await function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the others go on; the answer says which failed
                listed.ended(args, kwargs, error)
            else:
                listed.ended(args, kwargs, None)

    await asyncio.gather(*(work() for _ in range(max(1, concurrency))))
    return listed.summed(namespace)


def warm_blocking(function: Callable[..., Any], calls: Iterable[Any], namespace: str, *, concurrency: int) -> Preloaded:
    """The same for a plain function, in as many threads."""
    listed = Calls(calls)
    queue = iter(listed)

    def work(call: tuple[tuple[Any, ...], dict[str, Any]]) -> Exception | None:
        args, kwargs = call
        try:
            function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the others go on; the answer says which failed
            return error
        return None

    with ThreadPoolExecutor(max(1, concurrency), thread_name_prefix="perfctl-preload") as threads:
        while batch := list(islice(queue, _BATCH)):
            for (args, kwargs), error in zip(batch, threads.map(work, batch), strict=True):
                listed.ended(args, kwargs, error)
    return listed.summed(namespace)


async def warm_by_batches(
    missing: Callable[[Sequence[Any]], Awaitable[list[Any]]],
    keep: Callable[[Any, Any], Awaitable[None]],
    calls: Iterable[Any],
    factory: Callable[[list[Any]], Any],
    namespace: str,
) -> Preloaded:
    """Have `factory` compute what is missing of a thousand calls at once, and keep each result."""
    listed, rest = Calls(()), iter(calls)
    while batch := list(islice(rest, _BATCH)):
        wanted = await missing(batch)
        try:
            results = await _results(factory, wanted)
        except Exception as error:  # noqa: BLE001 - the other batches go on; the answer says which failed
            for call in wanted:
                listed.ended(*passed(call), error)
            continue
        await asyncio.gather(*(keep(call, result) for call, result in zip(wanted, results, strict=True)))
        for call in batch:
            listed.ended(*passed(call), None)
    return listed.summed(namespace)


async def _results(factory: Callable[[list[Any]], Any], wanted: list[Any]) -> list[Any]:
    if not wanted:
        return []
    made = factory(list(wanted))
    results = list(await made if isawaitable(made) else made)
    if len(results) != len(wanted):
        raise UsageError(
            f"the preload's factory returned {len(results)} results for {len(wanted)} calls",
            hint="return one for each call, in their order; None for what there is not",
        )
    return results
