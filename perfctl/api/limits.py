"""How many requests a client may send in a minute: a window that slides."""

from __future__ import annotations

import time
from collections.abc import Callable

from perfctl.api.faults import TooManyError

WINDOW_SECONDS = 60.0
_MOST_CLIENTS = 10_000
"""Counted apart; those who come after them in the same minute are counted as one."""
_OTHERS = "others"


class RateLimit:
    """Counts the requests of each client in this minute and the one before.

    The count of the minute before fades as this one goes on, so that no minute, wherever it begins, has much more than
    the limit. A client costs 200 bytes.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`per_minute` 0 is no limit."""
        self._per_minute = per_minute
        self._clock = clock
        self._window = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def take(self, client: str) -> None:
        """Count one request. TooManyError where there were enough."""
        if not self._per_minute:
            return
        at = self._clock() / WINDOW_SECONDS
        window = int(at)
        if window != self._window:
            self._turn(window)
        client = self._counted_as(client)
        count = self._now.get(client, 0)
        if count >= self._per_minute or count + self._before.get(client, 0) * (1 - (at - window)) >= self._per_minute:
            raise TooManyError(
                f"more than {self._per_minute} requests in a minute from {client}",
                hint="wait as Retry-After says, or raise api.requests_per_minute",
            )
        self._now[client] = count + 1

    def retry_after(self, client: str) -> int:
        """Seconds after which the client may ask again."""
        at = self._clock() / WINDOW_SECONDS
        left = int(at) + 1 - at
        client = self._counted_as(client)
        before, count = self._before.get(client, 0), self._now.get(client, 0)
        if count >= self._per_minute or not before:
            return round(left * WINDOW_SECONDS) + 1
        faded = 1 - (self._per_minute - 1 - count) / before
        return max(1, round(min(left, max(0.0, faded - (at - int(at)))) * WINDOW_SECONDS) + 1)

    def _counted_as(self, client: str) -> str:
        return client if client in self._now or len(self._now) < _MOST_CLIENTS else _OTHERS

    def _turn(self, window: int) -> None:
        is_next = window == self._window + 1
        self._before = self._now if is_next else {}
        self._now, self._window = {}, window
