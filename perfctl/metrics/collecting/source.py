"""What a source is, and what comes of asking it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perfctl.metrics.model import Reading

if TYPE_CHECKING:
    from perfctl.recording.histogram import Histogram
    from perfctl.recording.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one source measured. What it did not measure is in neither part of it, and has its reason as a reading."""

    readings: tuple[Reading, ...] = ()
    """Values of the ten figures, the best one of a figure first; and reasons."""
    counters: Mapping[Series, float] = field(default_factory=dict)
    """What was counted since the look before."""
    gauges: Mapping[Series, float] = field(default_factory=dict)
    histograms: Mapping[Series, Histogram] = field(default_factory=dict)
    """What was recorded since the look before."""
    seconds: float | None = None
    """How long the look before was ago, where it says so: more than a round where it could not be asked meanwhile."""
    notes: tuple[str, ...] = ()
    """What makes these figures too low: a counter that was reset, statements that were evicted."""
    is_first: bool = False
    """Whether another look is needed before anything can be said of the time in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Somewhere that figures are measured."""

    name: str
    """`Redis`, `PostgreSQL`: what is said not to have answered."""
    figures: tuple[str, ...]
    ask: Callable[[], Awaitable[Gathered]]
    """May ask a server, and remembers its look for the next one. Raises a PerfctlError where it cannot."""
    known: Callable[[], Iterable[Reading]] = tuple
    """What is known in this process without asking anybody."""
    key: str = ""
    """By which the table of sources names it."""


def off(figures: tuple[str, ...], reason: str, *, key: str = "") -> Source:
    """What is not configured: its figures have a reason, and nobody is asked."""

    def known() -> tuple[Reading, ...]:
        return tuple(Reading(name, None, reason) for name in figures)

    async def nothing() -> Gathered:
        return Gathered(readings=known())

    return Source(name=reason, figures=figures, ask=nothing, known=known, key=key)


def lasting(seconds: float) -> str:
    """How long a look back is, in words.

    >>> lasting(0.25), lasting(12.4), lasting(300), lasting(5400), lasting(604800)
    ('250 ms', '12 s', '5 min', '1.5 h', '7 d')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for limit, unit, name in ((120, 1, "s"), (3600, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{float(f'{seconds / unit:.2g}') if unit > 60 else round(seconds / unit):g} {name}"
    return f"{seconds / 86_400:.3g} d"
