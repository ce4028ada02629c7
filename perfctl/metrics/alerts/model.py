"""What alerts answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

State = Literal["pending", "firing", "resolved", "inactive"]
"""`pending`: broken, not for long enough. `resolved`: fired within the last hour, and is over."""
Condition = Literal["breach", "clear", "well", "no_data"]
"""What is found at one moment: broken, within the limit, within it by a margin, or nothing was measured."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is watched, and how it stands."""

    name: str
    state: State
    severity: str
    """`page` or `ticket`."""
    since: datetime | None
    """When it came into this state; None where it never left `inactive`."""
    observed: float | None
    """What was measured last; a burn rate where the budget is an objective's. None where nothing was."""
    limit: float
    """In the unit of `observed`."""
    reason: str
    """What was found, in words; where nothing was measured, why."""
    budget: str
    """What should hold."""
    unit: str = ""
    """Of `observed` and `limit`: `s`, `ratio`, `x` for a burn rate ..."""
    has_data: bool = True
    """False: nothing was measured, so the state is what was known last."""


@dataclass(frozen=True, slots=True)
class SinkState:
    """How telling goes to one place."""

    name: str
    waiting: int
    """Changes that were not told yet."""
    refused: int
    """Changes that it would never take."""
    error: str | None
    """What the last attempt met."""
    retry_at: datetime | None
    """When it is tried again."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Everything that is watched, what fires first."""

    listing: ClassVar[str] = "rows"

    firing: int
    pending: int
    no_data: int
    evaluated_at: datetime | None
    """When they were last evaluated; None where they never were."""
    rows: tuple[Alert, ...]
    sinks: tuple[SinkState, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """One change that somebody has to know of: it fires, or it is over."""

    id: str
    """The same for the same change, however often it is sent."""
    status: Literal["firing", "resolved"]
    name: str
    severity: str
    budget: str
    context: str
    observed: float | None
    limit: float | None
    unit: str
    reason: str
    starts_at: float
    """When it began to fire, in seconds since 1970."""
    ends_at: float | None = None
    """When it was over."""
