"""What goes on while nobody waits: late factories, refreshes, probes. Held until done, and ended with the cache."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from perfctl.endings import ended

_LOG = logging.getLogger("perfctl.cache")

PATIENCE_SECONDS = 2.0
"""How long closing waits for what computes or writes."""


class Background:
    """Tasks of one cache, on whichever event loops its callers run."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], bool] = {}
        self.is_ending = False
        """Whether the cache is being closed: nothing is put off any more."""

    def spawn(self, work: Coroutine[Any, Any, Any], *, is_idle: bool = False) -> asyncio.Task[Any]:
        """Run on the running loop. What `is_idle` (it mostly sleeps) is not waited for at the end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = is_idle
        task.add_done_callback(self._done)
        return task

    def later(self, seconds: float, start: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Run on the process's portal after so many seconds, whatever becomes of the caller's loop."""
        from perfctl.bridge import portal

        if self.is_ending:
            return
        loop = portal().loop
        loop.call_soon_threadsafe(lambda: loop.call_later(seconds, lambda: self.spawn(start(), is_idle=True)))

    async def drain(self) -> None:
        """Wait a little for what this loop still does, cancel the rest."""
        here = asyncio.get_running_loop()
        idle = [task for task, is_idle in list(self._tasks.items()) if is_idle]
        for task in idle:
            _cancel(task, here)
        mine = [task for task in list(self._tasks) if task.get_loop() is here and task is not asyncio.current_task()]
        if mine:
            _, late = await asyncio.wait(mine, timeout=PATIENCE_SECONDS)
            await ended(*late)

    def forget(self) -> None:
        """In a forked child: the parent's tasks are the parent's."""
        self._tasks = {}

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.debug("in the background: %r", error)


def _cancel(task: asyncio.Task[Any], here: asyncio.AbstractEventLoop) -> None:
    loop = task.get_loop()
    if loop is here:
        task.cancel()
    elif loop.is_running():
        with suppress(RuntimeError):  # it ended just now
            loop.call_soon_threadsafe(task.cancel)
