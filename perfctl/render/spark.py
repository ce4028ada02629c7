"""A row of numbers as a row of little bars."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float | None], *, width: int = 20, high: float | None = None) -> str:
    """The last `width` values, each a bar from 0 to `high` (or the greatest of them); a gap where one is None.

    >>> spark([0, 1, 2, None, 4])
    '▁▃▅ █'
    """
    shown = list(values)[-width:]
    top = high or max((value for value in shown if value is not None), default=0.0)
    return "".join(" " if value is None else _BARS[_level(value, top)] for value in shown)


def _level(value: float, top: float) -> int:
    return 0 if top <= 0 else min(max(round(value / top * (len(_BARS) - 1)), 0), len(_BARS) - 1)
