"""Incidents as a history would hold them, replayed with a clock of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import ClassVar

from perfctl.metrics.alerts.engine import AlertEngine
from perfctl.metrics.alerts.model import Notice
from perfctl.metrics.alerts.windows import Burn
from perfctl.metrics.budgets import Budgets, Objective, parse_expression
from perfctl.recording.frame import Frame
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import series

STEP = 10.0
BEGAN = 1_800_000_000.0
OK, FAILED = (series("http.request.duration", method="GET", route="/", status=status) for status in ("200", "500"))
SLI = parse_expression("1 - http.error_ratio")
OBJECTIVE = Objective("api", SLI, 0.999)

Shape = Callable[[float], float | None]
"""Seconds since the beginning -> the share of requests that fail; None: nothing is measured."""


def frame_of(at: float, *, good: int, bad: int) -> Frame:
    """Ten seconds of an application."""
    made = Frame(at, STEP)
    for which, count in ((OK, good), (FAILED, bad)):
        if count:
            made.histograms[which] = requests(count)
    return made


_KNOWN: dict[int, Histogram] = {}


def requests(count: int) -> Histogram:
    """So many requests of 20 ms."""
    if count not in _KNOWN:
        _KNOWN[count] = Histogram()
        _KNOWN[count].extend([0.02] * count)
    return _KNOWN[count]


class Memory:
    """A history that holds what is put in."""

    def __init__(self) -> None:
        self.kept: list[Frame] = []

    def frames(self, start: float, end: float) -> Iterator[Frame]:
        """As the real one: by the middle of each frame."""
        from bisect import bisect_left

        middle = [frame.at - STEP / 2 for frame in self.kept]
        return iter(self.kept[bisect_left(middle, start) : bisect_left(middle, end)])


@dataclass
class Told:
    """A sink that remembers."""

    name: ClassVar[str] = "memory"
    renews: bool = False
    notices: list[Notice] = field(default_factory=list)

    def tell(self, notice: Notice) -> None:
        self.notices.append(notice)

    def renew(self, notices: Sequence[Notice], until: float) -> None:
        pass


@dataclass
class Replay:
    """What came of it."""

    notices: list[Notice]
    counts: list[tuple[float, int, int]]
    """Of each step: its end, bad requests, all requests."""


def replay(
    folder: Path, shape: Shape, seconds: float, *, rps: int = 20, every: float = STEP, objective: Objective = OBJECTIVE
) -> Replay:
    """Feed the incident step by step and evaluate every so often."""
    memory, told = Memory(), Told()
    file = folder / "alerts.sqlite"
    counts: list[tuple[float, int, int]] = []
    carried, due = 0.0, 0.0
    for number in range(1, int(seconds / STEP) + 1):
        at = number * STEP
        share = shape(at - STEP)
        if share is not None:
            total = int(rps * STEP)
            carried += share * total
            bad = min(int(carried + 1e-9), total)
            carried -= bad
            memory.kept.append(frame_of(BEGAN + at, good=total - bad, bad=bad))
            counts.append((at, bad, total))
        if at >= due:
            engine = AlertEngine(Budgets(objectives=(objective,)), memory, (told,), file)
            engine.evaluate_here(BEGAN + at)
            due = at + every
    AlertEngine(Budgets(objectives=(objective,)), memory, (told,), file).evaluate_here(BEGAN + seconds)
    return Replay(told.notices, counts)


def holding(
    counts: list[tuple[float, int, int]], burn: Burn, objective: float, *, is_sure: bool = False
) -> list[tuple[float, float]]:
    """From when to when the condition of the workbook holds, added up plainly from the same requests.

    Sure: where the history is shorter than the long window, only with a hundred bad requests in it; fewer may be
    chance. Every step has to have been measured.
    """
    bad = [0, *accumulate(each[1] for each in counts)]
    total = [0, *accumulate(each[2] for each in counts)]
    found: list[tuple[float, float]] = []
    is_open = False
    for last, (at, _, _) in enumerate(counts, 1):
        firsts = [max(0, last - round(window / STEP)) for window in (burn.long_seconds, burn.short_seconds)]
        rates = [(bad[last] - bad[first]) / (total[last] - total[first]) for first in firsts]
        is_enough = not is_sure or at >= burn.long_seconds + 120 or bad[last] - bad[firsts[0]] >= 100
        if min(rates) >= burn.factor * (1 - objective) and is_enough:
            found = [*found[:-1], (found[-1][0], at)] if is_open else [*found, (at, at)]
            is_open = True
        else:
            is_open = False
    return found
