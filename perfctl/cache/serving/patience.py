"""A time-out that does not count the time in which this process itself was held up."""

from __future__ import annotations

import asyncio
from types import TracebackType

HELD_UP_SECONDS = 0.02
"""A timer that is later than this says that the loop did not turn: an answer may lie unread."""
MOST_EXTENSIONS = 4
_TURNS = 3
"""Of the loop, which an answer that came together with the timer may take to the caller."""


class Patience:
    """`async with Patience(0.25): ...` raises TimeoutError after so long, as `asyncio.timeout` does.

    Where the event loop was held up meanwhile (a busy machine, a blocking call), it waits for as long again as that
    took, and at most four times: the other side is not to blame for it. What goes on though it was told to end is
    told again after as long.
    """

    def __init__(self, seconds: float | None) -> None:
        """None waits for ever."""
        self._seconds = seconds
        self._extensions = 0
        self._cancellations = 0
        self._when = 0.0
        self._timer: asyncio.Handle | None = None

    async def __aenter__(self) -> None:
        if self._seconds is not None:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
            self._others = 0 if self._task is None else self._task.cancelling()
            self._wait(self._seconds)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._cancellations and self._task is not None:
            for _ in range(self._cancellations):
                self._task.uncancel()
            if self._task.cancelling() <= self._others and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _wait(self, seconds: float) -> None:
        self._when = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._when, self._ring)

    def _ring(self) -> None:
        late = self._loop.time() - self._when
        if late > HELD_UP_SECONDS and self._extensions < MOST_EXTENSIONS and self._seconds is not None:
            self._extensions += 1
            self._wait(min(late, self._seconds))
        else:
            self._end(_TURNS)

    def _end(self, turns: int) -> None:
        if turns:
            self._timer = self._loop.call_soon(self._end, turns - 1)
        elif self._task is not None and self._seconds is not None:
            self._cancellations += 1
            self._task.cancel()
            self._wait(self._seconds)
