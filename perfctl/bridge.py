"""The bridge from synchronous code: one event loop in a background thread serves a whole process."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
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
            loop, closables = self._loop, list(self._closables)
        if loop is None:
            return
        asyncio.run_coroutine_threadsafe(_close_all(closables), loop).result()
        with self._starting:  # until here, what closes may ask for the loop that it works on
            if self._loop is not loop:
                return
            thread, self._loop, self._thread = self._thread, None, None
        loop.call_soon_threadsafe(loop.stop)
        if thread is not None:
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

    def is_closed(self) -> bool:
        """Also for asyncpg, whose connections say goodbye on their socket when they are collected, unless it is."""
        return self._is_a_copy or super().is_closed()

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
