"""A time-out that does not count the time in which this process itself was held up."""

from __future__ import annotations

import asyncio
from types import TracebackType

_HELD_UP_SECONDS = 0.02
"""A timer that is later than this says that the loop did not turn: an answer may lie unread."""
_MOST_EXTENSIONS = 4


class Patience:
    """`async with Patience(0.25): ...` raises TimeoutError after so long, as `asyncio.timeout` does.

    Where the event loop was held up meanwhile (a busy machine, a blocking call), it waits for as long again as that
    took, and at most four times: the other side is not to blame for it.
    """

    def __init__(self, seconds: float | None) -> None:
        """None waits for ever."""
        self._seconds = seconds
        self._extensions = 0
        self._is_over = False
        self._when = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        if self._seconds is not None:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
            self._wait(self._seconds)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._is_over and self._task is not None and self._task.uncancel() <= 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _wait(self, seconds: float) -> None:
        self._when = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._when, self._ring)

    def _ring(self) -> None:
        late = self._loop.time() - self._when
        if late > _HELD_UP_SECONDS and self._extensions < _MOST_EXTENSIONS and self._seconds is not None:
            self._extensions += 1
            self._wait(min(late, self._seconds))
        elif self._task is not None:
            self._is_over = True
            self._task.cancel()
