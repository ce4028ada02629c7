"""Blocking calls beside the event loop, in threads that never hold up the end of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def in_background(call: Callable[[], T]) -> T:
    """Await a blocking call in a thread of its own.

    The thread is a daemon: `asyncio.to_thread` would make an interrupted or overdue run wait until the call is over.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    Thread(target=_run, args=(call, loop, future), daemon=True, name="perfctl-cdn").start()
    return await future


def _run(call: Callable[[], T], loop: asyncio.AbstractEventLoop, future: asyncio.Future[T]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - handed over to the awaiting side, whatever it is
        _hand_over(loop, future, None, error)
    else:
        _hand_over(loop, future, result, None)


def _hand_over(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], result: T | None, error: BaseException | None
) -> None:
    def settle() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle)
