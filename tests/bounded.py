"""What a test waits for, with a bound: who does not come in time is told with what every task is at."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from perfctl.bridge import portal

_Value = TypeVar("_Value")

SECONDS = 60.0


def run(work: Coroutine[Any, Any, _Value], seconds: float = SECONDS) -> _Value:
    """As `asyncio.run`; AssertionError with the tasks of this loop and of the portal's where it takes too long."""

    async def bounded() -> _Value:
        task = asyncio.ensure_future(work)
        done, _ = await asyncio.wait([task], timeout=seconds)
        if not done:
            raise AssertionError(f"not done after {seconds:g} s:\n{tasks()}")
        return task.result()

    return asyncio.run(bounded())


def tasks() -> str:
    """Every task of the running loop and of the portal's, and the line at which each await waits."""
    here, there = asyncio.get_running_loop(), portal().loop
    loops = {"here": here} if here is there else {"here": here, "on the portal": there}
    return "\n".join(
        f"{place}: {task!r}\n" + "\n".join(_waits(task.get_coro()))
        for place, loop in loops.items()
        for task in asyncio.all_tasks(loop)
    )


def _waits(work: Any) -> list[str]:
    """The lines of a coroutine and of what it awaits, the outermost first."""
    lines = []
    while work is not None:
        frame = next((found for kind in ("cr", "gi", "ag") if (found := getattr(work, f"{kind}_frame", None))), None)
        if frame is not None:
            lines.append(f"    {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}")
        work = next(
            (found for name in ("cr_await", "gi_yieldfrom", "ag_await") if (found := getattr(work, name, None))), None
        )
    return lines
