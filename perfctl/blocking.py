"""Blocking twins of asynchronous objects: the same names for synchronous code, from one generic class."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

Run = Callable[..., Any]
"""`run(start, name=...)`: how a proxy has something awaited."""


class Blocking:
    """An object's twin for synchronous code: its coroutine functions block, its asynchronous parts are twins, too.

    Plain values and plain functions pass through. A plain function that is handed over as `factory` runs in
    a thread of its own, so it may block and may use the twin itself.
    """

    def __init__(self, target: Any, name: str, run: Run) -> None:
        self.__target, self.__name, self.__run = target, name, run

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(f"{self.__name} has no attribute {attribute!r}")
        return _blocking(getattr(self.__target, attribute), f"{self.__name}.{attribute}", self.__run)

    def __enter__(self) -> Any:
        entered = self.__run(self.__target.__aenter__, name=f"with {self.__name}")
        return self if entered is self.__target else _blocking(entered, self.__name, self.__run)

    def __exit__(self, *failure: Any) -> Any:
        leave = self.__target.__aexit__
        return self.__run(lambda: leave(*failure), name=f"with {self.__name}")

    def __iter__(self) -> Iterator[Any]:
        return _iterate(aiter(self.__target), self.__name, self.__run)

    def __dir__(self) -> list[str]:
        return [name for name in dir(self.__target) if not name.startswith("_")]

    def __repr__(self) -> str:
        return f"<{self.__name}: blocking twin of {self.__target!r}>"


def _blocking(value: Any, name: str, run: Run) -> Any:
    if inspect.isclass(value):
        return value
    if inspect.isroutine(value) or isinstance(value, functools.partial):
        return _blocking_function(value, name, run)
    return Blocking(value, name, run) if _is_asynchronous(type(value)) else value


def _blocking_function(function: Callable[..., Any], name: str, run: Run) -> Callable[..., Any]:
    is_coroutine_function = inspect.iscoroutinefunction(function)

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        if is_coroutine_function:
            named = {key: _in_a_thread(value) if key == "factory" else value for key, value in named.items()}
            started = functools.partial(function, *_with_factory(function, arguments), **named)
            return _blocking_result(run(started, name=name), name, run)
        result = function(*arguments, **named)
        if inspect.iscoroutine(result):
            return _blocking_result(_run_or_close(result, name, run), name, run)
        return _blocking_result(result, name, run)

    return call


def _blocking_result(result: Any, name: str, run: Run) -> Any:
    return Blocking(result, f"{name}(...)", run) if _is_asynchronous(type(result)) else result


def _run_or_close(coroutine: Any, name: str, run: Run) -> Any:
    try:
        return run(lambda: coroutine, name=name)
    finally:
        coroutine.close()


def _is_asynchronous(kind: type) -> bool:
    """Whether instances need a twin: ours with a coroutine function, or anything that is entered or iterated async."""
    if hasattr(kind, "__aenter__") or hasattr(kind, "__aiter__"):
        return True
    if not kind.__module__.startswith("perfctl."):
        return False
    return any(inspect.iscoroutinefunction(getattr(kind, name, None)) for name in dir(kind) if name[0] != "_")


def _with_factory(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The positional arguments, where one of them is the `factory` it may block."""
    if not any(inspect.isroutine(argument) or isinstance(argument, functools.partial) for argument in arguments):
        return arguments
    names = list(inspect.signature(function).parameters)
    return tuple(
        _in_a_thread(argument) if name == "factory" else argument
        for name, argument in zip(names[: len(arguments)], arguments, strict=True)
    )


def _in_a_thread(factory: Callable[[], Any]) -> Callable[[], Awaitable[Any]]:
    if inspect.iscoroutinefunction(factory):
        return factory

    @functools.wraps(factory)
    async def in_a_thread() -> Any:
        return await asyncio.to_thread(factory)

    return in_a_thread


def _iterate(iterator: AsyncIterator[Any], name: str, run: Run) -> Iterator[Any]:
    """Item by item, each awaited when it is asked for; the asynchronous iterator is closed with this one."""
    try:
        while True:
            try:
                yield run(iterator.__anext__, name=name)
            except StopAsyncIteration:
                return
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            run(close, name=name)
