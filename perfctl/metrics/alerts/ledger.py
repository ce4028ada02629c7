"""Good and bad events over time, so that the burn of any window is two look-ups."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import exp, lgamma, log, sqrt
from typing import NamedTuple

from perfctl.metrics.alerts.model import Condition
from perfctl.metrics.alerts.windows import Burn

_CHANCE = 0.01
"""While the history is shorter than a window, its burn has to be less likely than this to be chance."""
_FEWEST_BAD = 5
"""A burn of fewer bad events than these is no burn."""
_ENOUGH_BAD = 100
"""So many are not chance."""


class Events(NamedTuple):
    """What happened within some time."""

    good: float
    total: float

    @property
    def bad(self) -> float:
        """Events that were not good."""
        return max(self.total - self.good, 0.0)

    def burn(self, objective: float) -> float | None:
        """How many times as many bad events as the objective allows; None without events."""
        if self.total <= 0:
            return None
        return self.bad / self.total / max(1.0 - objective, 1e-9)


class Ledger:
    """Events by the moment at which they were counted."""

    def __init__(self, events: Mapping[float, Events] | Iterable[tuple[float, Events]] = ()) -> None:
        rows = sorted(dict(events).items())
        self._at = [at for at, _ in rows]
        self._bad = [0.0, *accumulate(found.bad for _, found in rows)]
        self._total = [0.0, *accumulate(found.total for _, found in rows)]

    @property
    def began(self) -> float | None:
        """The first moment with events."""
        return self._at[0] if self._at else None

    def within(self, start: float, end: float) -> Events:
        """The events after `start`, up to and with `end`."""
        first, last = bisect_right(self._at, start), bisect_right(self._at, end)
        total = self._total[last] - self._total[first]
        return Events(total - (self._bad[last] - self._bad[first]), total)


class Burned(NamedTuple):
    """The burn of a pair of windows at one moment, in multiples of the allowed rate."""

    long: float | None
    short: float | None
    condition: Condition
    """`well`: a tenth below the factor, and below it in the last two minutes as well."""


RECENT_SECONDS = 120.0
_MARGIN = 0.9


def burned(ledger: Ledger, objective: float, burn: Burn, at: float) -> Burned:
    """Whether the budget burns at one moment.

    While fewer events were kept than the long window holds, their burn counts where chance does not explain it
    (Poisson): two bad requests in the first minute of a history are no incident. What was burning is not called
    over before something was measured again.
    """
    long = ledger.within(at - burn.long_seconds, at)
    short = ledger.within(at - burn.short_seconds, at)
    rates = long.burn(objective), short.burn(objective)
    if rates[0] is None or rates[1] is None:
        return Burned(*rates, "no_data")
    if _is_burning(ledger, long, min(rates[0], rates[1]), objective, burn, at):
        return Burned(*rates, "breach")
    if not ledger.within(at - max(RECENT_SECONDS, burn.short_seconds / 10), at).total:
        return Burned(*rates, "no_data")
    recent = ledger.within(at - min(RECENT_SECONDS, burn.short_seconds), at).burn(objective)
    is_well = min(rates[0], rates[1]) < _MARGIN * burn.factor and (recent is None or recent < burn.factor)
    return Burned(*rates, "well" if is_well else "clear")


def _is_burning(ledger: Ledger, long: Events, rate: float, objective: float, burn: Burn, at: float) -> bool:
    if rate < burn.factor - 1e-9 or long.bad < _FEWEST_BAD:
        return False
    is_young = ledger.began is None or ledger.began > at - burn.long_seconds + RECENT_SECONDS
    return (
        not is_young
        or long.bad >= _ENOUGH_BAD
        or _chance(long.bad, long.total * (1.0 - objective) * burn.factor) < _CHANCE
    )


def _chance(bad: float, expected: float) -> float:
    """P(at least so many | so many are expected), of a Poisson distribution; the normal one where there are many."""
    if bad <= expected:
        return 1.0
    if expected > 500:
        return 0.0 if (bad - expected) / sqrt(expected) > 2.33 else 1.0
    below = sum(exp(count * log(expected) - expected - lgamma(count + 1)) for count in range(int(bad)))
    return max(0.0, 1.0 - below)
