"""One figure read out of what was recorded: a value, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Value:
    """What was asked for in its unit. `value` is None where it was not measured, and `reason` says why."""

    value: float | None
    reason: str | None = None
    unit: str = ""
    """`s`, `bytes`, `1/s`, `ratio`; empty for a count."""
