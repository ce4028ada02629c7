"""So many requests a second, evenly, however many ask at once."""

from __future__ import annotations

from perfctl.cdn.clock import Time


class Pace:
    """Turns at a fixed distance; without a rate they are all at once."""

    def __init__(self, per_second: float, time: Time) -> None:
        self._distance = 1 / per_second if per_second > 0 else 0.0
        self._time = time
        self._next = 0.0

    async def turn(self) -> None:
        """Return when it is the caller's turn. Time that nobody used is not made up for."""
        if not self._distance:
            return
        now = self._time.now()
        mine = max(self._next, now)
        self._next = mine + self._distance
        if mine > now:
            await self._time.sleep(mine - now)
