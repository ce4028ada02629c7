"""The bridge from synchronous code: one event loop in a background thread serves a whole process."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from perfctl.endings import ended
from perfctl.errors import UsageError

_LOG = logging.getLogger("perfctl.bridge")

_Value = TypeVar("_Value")

CLOSE_SECONDS = 5.0
"""How long each thing that is registered may take to close."""
_LOOK_SECONDS = 1.0
"""How often who waits for another loop looks whether that loop is still there."""


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
            if self._loop is None or self._loop.is_closed():  # whatever ended its thread
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
        return result_on(loop or self.loop, _awaited(start))

    async def finish(self, closable: Closable) -> None:
        """Close something registered on this loop now, awaited from another loop."""
        with self._starting:
            self._closables.discard(closable)
            loop = self._loop
        if loop is not None and not await done_on(loop, closable.close()):
            _LOG.warning("closing %s took longer than %g s", type(closable).__name__, CLOSE_SECONDS)

    def close(self) -> None:
        """Close what was registered, cancel what still runs, stop the loop, end the thread. It may be used again."""
        with self._starting:
            loop, closables = self._loop, list(self._closables)
        if loop is None:
            return
        with contextlib.suppress(RuntimeError):  # its thread ended before
            result_on(loop, _close_all(closables))
        with self._starting:  # until here, what closes may ask for the loop that it works on
            if self._loop is not loop:
                return
            thread, self._loop, self._thread = self._thread, None, None
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.stop)
        if thread is not None:
            thread.join(2 * CLOSE_SECONDS)


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


def result_on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _Value]) -> _Value:
    """What a coroutine returns on a loop that runs in another thread; this one is blocked until then. RuntimeError
    when the loop is closed before it is done."""
    future = _submitted(work, loop)
    try:
        while True:
            try:
                return future.result(_LOOK_SECONDS)
            except TimeoutError:
                if not future.done():
                    if loop.is_closed():
                        raise RuntimeError("the event loop was closed under it") from None
                    continue
            return future.result()  # the work's own error, or a value that came just now
    except BaseException:
        future.cancel()
        raise


async def done_on(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], *, seconds: float = CLOSE_SECONDS
) -> bool:
    """Have something done on another loop; whether it was within so long, as that loop may be blocked, or end. What
    is late is cancelled, and what it raises is raised."""
    try:
        future = asyncio.wrap_future(_submitted(work, loop))
    except RuntimeError:
        return True  # with a loop that is closed, what lived on it is gone
    try:
        await asyncio.wait([future], timeout=seconds)
        if future.done() and not future.cancelled():  # it is cancelled with a loop that ends
            future.result()
        return future.done()
    finally:
        future.cancel()


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


def _submitted(work: Coroutine[Any, Any, _Value], loop: asyncio.AbstractEventLoop) -> Future[_Value]:
    """RuntimeError for a loop that is closed."""
    try:
        return asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:
        work.close()
        raise


async def _awaited(start: Callable[[], Awaitable[_Value]]) -> _Value:
    return await start()


async def _close_all(closables: list[Closable]) -> None:
    for closable in closables:
        closing = asyncio.ensure_future(closable.close())
        try:
            await asyncio.wait([closing], timeout=CLOSE_SECONDS)
            if closing.done():
                closing.result()
            else:
                _LOG.warning("closing %s took longer than %g s", type(closable).__name__, CLOSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - one that fails must not keep the others open
            _LOG.warning("closing %s failed: %s", type(closable).__name__, error)
        finally:
            await ended(closing, seconds=1.0)


async def _cancel_all() -> None:
    own = asyncio.current_task()
    await ended(*(task for task in asyncio.all_tasks() if task is not own))
