"""Judging: what was recorded against what should hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from perfctl.metrics.budgets.measures import shown
from perfctl.metrics.budgets.model import Budget, Expression, Judged, Within
from perfctl.metrics.model.values import Value
from perfctl.units import format_duration_ms

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame

WINDOW_SECONDS = 300.0
"""Over what time a value is taken where nobody says."""
SHORTEST_STEP_SECONDS = 10.0
"""The finest resolution that a history keeps."""
_STEPS = 30
"""A `for` is looked at in so many steps."""


class Windows(Protocol):
    """What a budget is judged by: a history, or `Frames`."""

    def window(self, start: float, end: float) -> Frame:
        """What was measured in [start, end), as one frame."""

    def steps(self, start: float, end: float, step_seconds: float) -> list[Frame]:
        """The same in equal steps, oldest first; `seconds` is 0 where nothing was measured."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames at hand, oldest first, as a history answers."""

    frames: tuple[Frame, ...]

    def window(self, start: float, end: float) -> Frame:
        """Those whose end falls within, merged."""
        from perfctl.recording.frame import Frame, merge

        found = [frame for frame in self.frames if start < frame.at <= end]
        return merge(found) if found else Frame(at=end, seconds=0.0, counters={}, gauges={}, histograms={})

    def steps(self, start: float, end: float, step_seconds: float) -> list[Frame]:
        """Each step with what ended in it."""
        count = max(1, math.ceil((end - start) / step_seconds - 1e-9))
        return [self.window(start + step_seconds * each, start + step_seconds * (each + 1)) for each in range(count)]


def observed(expression: Expression, frame: Frame) -> Value:
    """What an expression comes to in a frame; None with a reason where it was not measured."""
    found = _share(expression, frame) if expression.within else _plain(expression, frame)
    if expression.complement and found.value is not None:
        return Value(1.0 - found.value, None, found.unit)
    return found


def judge_frame(budget: Budget, frame: Frame) -> Judged:
    """One frame against the budget at once, whatever its `for` says: what an alert asks at each interval."""
    value = observed(budget.expression, frame)
    if value.value is None:
        return Judged(budget, "no_data", None, value.reason or "nothing was recorded")
    is_held = budget.holds(value.value)
    reason = _reason(budget, value.value, frame.seconds)
    return Judged(budget, "pass" if is_held else "breach", value.value, reason, None if is_held else frame.at)


def judge(
    budget: Budget,
    recorded: Windows | Sequence[Frame],
    now: float,
    *,
    window_seconds: float | None = None,
) -> Judged:
    """What became of a budget in the last `window_seconds` (else its own window, else five minutes).

    Without a `for` it is one value over the window. With one, a breach is a stretch of that length in which every
    step that has a value breaks it; steps without one neither break nor mend it. What has no value is `no_data`.
    """
    source: Windows = Frames(tuple(recorded)) if isinstance(recorded, Sequence) else recorded
    window = window_seconds or budget.window_seconds or WINDOW_SECONDS
    if not budget.for_seconds:
        return judge_frame(budget, source.window(now - window, now))
    step = min(max(budget.for_seconds / _STEPS, SHORTEST_STEP_SECONDS), budget.for_seconds)
    least = budget.for_seconds + 2 * step
    start = now - max(window if window_seconds else 0.0, least)
    return _judge_stretches(budget, source, start, now, step)


def _judge_stretches(budget: Budget, source: Windows, start: float, now: float, step: float) -> Judged:
    judged = [(frame, judge_frame(budget, frame)) for frame in source.steps(start, now, step) if frame.seconds > 0]
    known = [(frame, found) for frame, found in judged if found.verdict != "no_data"]
    if not known:
        reason = next((found.reason for _, found in judged), judge_frame(budget, source.window(start, now)).reason)
        return Judged(budget, "no_data", None, reason)
    stretches = _stretches(known, step)
    since = stretches[-1].start if stretches and known[-1][1].verdict == "breach" else None
    longest = max(stretches, key=lambda stretch: stretch.seconds, default=None)
    if longest is not None and longest.seconds >= budget.for_seconds - step * 1.01:
        value = observed(budget.expression, source.window(longest.start, longest.end)).value
        value = longest.last if value is None else value
        return Judged(budget, "breach", value, _reason(budget, value, longest.seconds), since)
    whole = judge_frame(budget, source.window(start, now))
    pending = f"; broken for {_lasting(longest.seconds)} at most, which is less" if longest else ""
    return Judged(budget, "pass", whole.observed, whole.reason + pending, since)


@dataclass(frozen=True, slots=True)
class _Stretch:
    start: float
    end: float
    last: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def _stretches(known: Sequence[tuple[Frame, Judged]], step: float) -> list[_Stretch]:
    """Runs of steps that break it, one after the other."""
    found: list[_Stretch] = []
    is_open = False
    for frame, judged in known:
        if judged.verdict != "breach" or judged.observed is None:
            is_open = False
        elif is_open:
            found[-1] = _Stretch(found[-1].start, frame.at, judged.observed)
        else:
            found.append(_Stretch(frame.at - max(frame.seconds, step), frame.at, judged.observed))
            is_open = True
    return found


def _plain(expression: Expression, frame: Frame) -> Value:
    from perfctl.metrics.reading import value_of

    return value_of(frame, expression.metric, dict(expression.labels), expression.statistic)


def _share(expression: Expression, frame: Frame) -> Value:
    from perfctl.metrics.reading import histogram_of

    within = expression.within
    found = histogram_of(frame, expression.metric, dict(expression.labels))
    if within is None or found is None or not found.count:
        return Value(None, f"nothing was recorded of {expression.metric}", "ratio")
    return Value(_share_of(found.share_below(within.limit), within), None, "ratio")


def _share_of(below: float | None, within: Within) -> float | None:
    if below is None:
        return None
    return below if within.operator in ("<", "<=") else 1.0 - below


def _reason(budget: Budget, value: float, seconds: float) -> str:
    over = f" over {_lasting(seconds)}" if seconds > 0 else ""
    unit = budget.expression.unit
    return f"{shown(value, unit)}{over}, should be {budget.operator} {shown(budget.limit, unit)}"


def _lasting(seconds: float) -> str:
    return format_duration_ms(round(seconds, 1) * 1000)
