"""Ending tasks for sure: before Python 3.13 a cancellation can be lost on its way.

`asyncio.wait_for` (until 3.11) returns what is done in the very tick in which its caller is cancelled, and a task
group that fails (until 3.12) forgets a cancellation that comes meanwhile. redis-py sends each command of its handshake
within a `wait_for`. Who cancels a task once and then waits for its end may so wait for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

_Value = TypeVar("_Value")

ENDS_SECONDS = 5.0
"""How long the end of a task is waited for."""
_AGAIN_SECONDS = 0.25
"""How long a task may clean up before it is cancelled once more."""


async def ended(*tasks: asyncio.Task[Any], seconds: float = ENDS_SECONDS) -> bool:
    """Cancel tasks of this event loop, again where they go on all the same; whether all ended within so long.

    What they raise is dropped.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    pending = {task for task in tasks if not task.done()}
    while pending and loop.time() < until:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()
    return not pending


async def heeded(work: Awaitable[_Value]) -> _Value:
    """Await what may lose a cancellation of the calling task, or take it for an error of its own: that it was
    cancelled is raised all the same."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        value = await work
    except Exception as error:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError from error
        raise
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
    return value
