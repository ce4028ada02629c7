"""From moment to moment: pending, firing, resolved. Pure: what was known, what is found now, what is known then.

An alert fires when its condition was broken without a break for as long as `for` says. It resolves when the
condition is well, that is clear by a margin, for a while; or merely clear for four and a half minutes. One that
fires again soon after it resolved has to be clear for those four and a half minutes, and the third time by the
margin as well: an incident that comes and goes is told of once. Where nothing was measured time stands still:
no data resolves nothing, and fires nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from perfctl.metrics.alerts.model import Condition, State

CLEAR_SECONDS = 270.0
"""So long clear, and it is over, margin or not: well below the five minutes within which a resolve is promised."""
AGAIN_SECONDS = 1800.0
"""What fires again within so long of a resolve goes on: the next resolve is more careful."""
SHOWN_SECONDS = 3600.0
"""So long an alert that is over stays `resolved`."""


class Patience(NamedTuple):
    """How long a condition has to last."""

    for_seconds: float
    """Before it fires."""
    well_seconds: float
    """Before it resolves, where it is clear by the margin."""


class Found(NamedTuple):
    """One look at one condition."""

    condition: Condition
    observed: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an alert between two looks."""

    state: State = "inactive"
    since: float | None = None
    held: float = 0.0
    """For how long what would change the state has lasted: broken while pending, clear while firing."""
    was: Condition = "no_data"
    """The last condition that was found where there was data."""
    again: int = 0
    """How often it fired again soon after it had resolved."""
    resolved_at: float | None = None
    fired_at: float | None = None
    observed: float | None = None
    reason: str = ""
    has_data: bool = False
    severity: str = ""
    """As it was told when it fired: what is told when it is over has to match."""
    budget: str = ""


def step(standing: Standing, found: Found, at: float, elapsed: float, patience: Patience) -> Standing:
    """What is known after one more look, `elapsed` seconds after the one before."""
    if found.condition == "no_data":
        return replace(standing, observed=None, reason=found.reason, has_data=False)
    seen = replace(standing, observed=found.observed, reason=found.reason, has_data=True, was=found.condition)
    if standing.state == "firing":
        return _while_firing(seen, standing, at, elapsed, patience)
    if found.condition == "breach":
        return _while_broken(seen, standing, at, elapsed, patience)
    if standing.state == "pending":
        return replace(seen, state="inactive", since=at, held=0.0)
    if standing.state == "resolved" and standing.since is not None and at - standing.since >= SHOWN_SECONDS:
        return replace(seen, state="inactive", since=at, held=0.0)
    return seen


def _while_broken(seen: Standing, before: Standing, at: float, elapsed: float, patience: Patience) -> Standing:
    is_first = before.state != "pending"
    held = 0.0 if is_first else before.held + elapsed
    if held < patience.for_seconds:
        return replace(seen, state="pending", since=at if is_first else before.since, held=held)
    is_again = before.resolved_at is not None and at - before.resolved_at <= AGAIN_SECONDS
    return replace(seen, state="firing", since=at, fired_at=at, held=0.0, again=before.again + 1 if is_again else 0)


def _while_firing(seen: Standing, before: Standing, at: float, elapsed: float, patience: Patience) -> Standing:
    if seen.was == "breach":
        return replace(seen, held=0.0)
    held = 0.0 if before.was == "breach" else before.held + elapsed
    is_over = (
        held >= patience.well_seconds and seen.was == "well"
        if before.again == 0
        else held >= CLEAR_SECONDS and (before.again == 1 or seen.was == "well")
    )
    if is_over or (before.again == 0 and held >= CLEAR_SECONDS):
        return replace(seen, state="resolved", since=at, resolved_at=at, held=0.0)
    return replace(seen, held=held)
