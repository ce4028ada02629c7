"""Burn rates: how fast an objective's error budget is spent, and the pairs of windows in which that is a reason.

The pairs are those of the SRE workbook (Google, 2018), chapter 5, "Multiwindow, Multi-Burn-Rate Alerts": the long
window tells that much was spent, the short one that it goes on. For an objective over another window than 30 days
the windows are scaled with it, so that the same factor spends the same share of the budget.
"""

from __future__ import annotations

from typing import NamedTuple

from perfctl.metrics.budgets.model import Severity

MONTH_SECONDS = 30 * 86_400.0
GRAIN_SECONDS = 10
"""Windows are whole multiples of it: the finest resolution of the history."""
_SHORTEST_SECONDS = 60.0
_OUTAGE = 0.8


class Burn(NamedTuple):
    """One pair of windows."""

    name: str
    factor: float
    """1 spends the budget exactly within the objective's window."""
    long_seconds: float
    short_seconds: float
    severity: Severity


BURNS = (
    Burn("1h", 14.4, 3600.0, 300.0, "page"),
    Burn("6h", 6.0, 6 * 3600.0, 1800.0, "page"),
    Burn("1d", 3.0, 24 * 3600.0, 2 * 3600.0, "ticket"),
    Burn("3d", 1.0, 72 * 3600.0, 6 * 3600.0, "ticket"),
)
"""For an objective over 30 days."""


def burns_of(window_seconds: float, objective: float = 0.999) -> tuple[Burn, ...]:
    """The pairs for an objective over such a window; none is shorter than a minute and twelve.

    Of a lenient objective not even an outage burns 14.4 times what is allowed (90 % allows 10): four fifths of an
    outage are enough there.

    >>> [(burn.name, burn.long_seconds, burn.short_seconds) for burn in burns_of(7 * 86_400)][:2]
    [('1h', 840.0, 70.0), ('6h', 5040.0, 420.0)]
    """
    scale = window_seconds / MONTH_SECONDS
    most = _OUTAGE / max(1.0 - objective, 1e-9)
    return tuple(
        burn._replace(
            factor=min(burn.factor, most),
            long_seconds=_rounded(burn.long_seconds * scale, 12 * _SHORTEST_SECONDS),
            short_seconds=_rounded(burn.short_seconds * scale, _SHORTEST_SECONDS),
        )
        for burn in BURNS
    )


def _rounded(seconds: float, least: float) -> float:
    return max(least, round(seconds / GRAIN_SECONDS) * float(GRAIN_SECONDS))
