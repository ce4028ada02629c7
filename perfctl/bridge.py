"""Blocking calls into asynchronous objects: one event loop in a background thread serves a whole process."""

from __future__ import annotations

import asyncio
import atexit
import functools
import inspect
import logging
import os
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Protocol, TypeVar

from perfctl.errors import UsageError

_LOG = logging.getLogger("perfctl.bridge")

_Value = TypeVar("_Value")

CLOSE_SECONDS = 5.0
"""How long each thing that is registered may take to close at exit."""


class Closable(Protocol):
    """Something whose connections live on an event loop."""

    def close(self) -> Coroutine[Any, Any, None]: ...


class Portal:
    """An event loop in a daemon thread, started by the first call, stopped at exit.

    Threads share it. A forked child, whose copy of the thread is gone, must ask `portal()` again.
    """

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closables: weakref.WeakSet[Closable] = weakref.WeakSet()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running."""
        with self._starting:
            if self._loop is None:
                self._loop = _Loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name="perfctl-bridge", daemon=True)
                self._thread.start()
            return self._loop

    def closes(self, closable: Closable) -> None:
        """Close it on this loop before the loop stops; it is not kept alive for that."""
        with self._starting:
            self._closables.add(closable)

    def run(
        self,
        start: Callable[[], Awaitable[_Value]],
        *,
        name: str = "this call",
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> _Value:
        """Await `start()` on the loop (this portal's, unless another one is named) and return what it returns.

        UsageError where the calling thread runs an event loop itself: blocking it could wait for ever.
        """
        refuse_inside_a_loop(name)
        future = asyncio.run_coroutine_threadsafe(_awaited(start), loop or self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def finish(self, closable: Closable) -> None:
        """Close something registered on this loop now, awaited from another loop."""
        with self._starting:
            self._closables.discard(closable)
            loop = self._loop
        if loop is not None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(closable.close(), loop))

    def close(self) -> None:
        """Close what was registered, cancel what still runs, stop the loop, end the thread. It may be used again."""
        with self._starting:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
            closables = list(self._closables)
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_close_all(closables), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


_shared: Portal | None = None
_abandoned: list[Portal] = []
_sharing = threading.Lock()


def portal() -> Portal:
    """The portal of this process."""
    global _shared
    with _sharing:
        if _shared is None:
            _shared = Portal()
            atexit.register(_shared.close)
        return _shared


def refuse_inside_a_loop(name: str) -> None:
    """UsageError where the calling thread runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    awaited = name.replace(".sync.", ".")
    raise UsageError(
        f"{name} blocks, and this thread runs an event loop that it would stop",
        hint=f"await {awaited}(...) here; .sync is for threads without an event loop",
    )


class _Loop(asyncio.SelectorEventLoop):
    """A loop that is dead in a forked child, where its thread is not.

    The child shares the kernel's epoll with the parent: whatever closes there must not take the parent's sockets
    out of it. asyncio's transports call `_remove_reader` and `_remove_writer` for that.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        super().__init__()

    @property
    def _is_a_copy(self) -> bool:
        return self._pid != os.getpid()

    def is_running(self) -> bool:
        return not self._is_a_copy and super().is_running()

    def _remove_reader(self, fd: Any) -> bool:
        return not self._is_a_copy and bool(super()._remove_reader(fd))  # type: ignore[misc]

    def _remove_writer(self, fd: Any) -> bool:
        return not self._is_a_copy and bool(super()._remove_writer(fd))  # type: ignore[misc]

    def __del__(self, *arguments: Any) -> None:
        if not self._is_a_copy:
            super().__del__(*arguments)


def _forget_after_fork() -> None:
    """In a forked child: the parent's loop, its thread and its sockets are the parent's alone, and kept untouched."""
    global _shared, _sharing
    _sharing = threading.Lock()
    if _shared is not None:
        atexit.unregister(_shared.close)
        _abandoned.append(_shared)
        _shared = None


os.register_at_fork(after_in_child=_forget_after_fork)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped, then leave nothing behind: no task, no generator, no executor."""
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def _awaited(start: Callable[[], Awaitable[_Value]]) -> _Value:
    return await start()


async def _close_all(closables: list[Closable]) -> None:
    for closable in closables:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await closable.close()
        except Exception as error:  # noqa: BLE001 - one that fails must not keep the others open
            _LOG.warning("closing %s failed: %s", type(closable).__name__, error)


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        if task is not None:
            task.cancel()
    await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)


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
