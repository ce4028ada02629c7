"""Where a logarithmic axis of counts is labelled."""

from __future__ import annotations

import math

_STEPS = ((1,), (1, 5), (1, 2, 5))


def ticks_between(low: float, high: float, *, at_most: int) -> list[int]:
    """Round numbers from `low` to `high`, as many as fit; both ends where there are fewer than two.

    >>> ticks_between(14, 6878, at_most=6)
    [50, 100, 500, 1000, 5000]
    >>> ticks_between(14, 17, at_most=6)
    [14, 17]
    """
    found: list[int] = []
    for steps in _STEPS:
        finer = [
            step * 10**power
            for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for step in steps
            if low <= step * 10**power <= high
        ]
        if found and len(finer) > at_most:
            break
        found = finer
    return found if len(found) > 1 else sorted({round(low), round(high)})


def label_of(count: float) -> str:
    """A count on an axis: `500`, `20k`, `1.5M`.

    >>> label_of(20_000)
    '20k'
    """
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:g}{name}"
    return f"{count:g}"
