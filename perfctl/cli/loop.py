"""The one event loop of a run: cancelled by signals, left without waiting for what no longer matters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from perfctl.cli.signals import INTERRUPTS, Stopped

Answer = TypeVar("Answer")

GRACE_SECONDS = 2.0
"""How long tasks may take to clean up after a signal."""


def run_in_loop(
    work: Coroutine[Any, Any, Answer],
    *,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> Answer:
    """Run the work to its end; `Stopped` after its clean-up when a signal came first."""
    loop = new_loop()
    is_done = False
    try:
        answer = loop.run_until_complete(_supervised(work))
        is_done = True
        return answer
    finally:
        loop.run_until_complete(_cancel_others(GRACE_SECONDS))
        if is_done:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _supervised(work: Coroutine[Any, Any, Answer]) -> Answer:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine that a loop runs is a task

    def cancel() -> None:
        loop.call_soon_threadsafe(task.cancel)

    with INTERRUPTS.cancelling(cancel):
        try:
            return await work
        except asyncio.CancelledError:
            if INTERRUPTS.received is None:
                raise
            raise Stopped(INTERRUPTS.received) from None


async def _cancel_others(seconds: float) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=seconds)
