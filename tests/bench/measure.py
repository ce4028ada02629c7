"""Interleaved measurements: every round runs each contestant once, and medians are compared."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, how much, how much was asked."""

    name: str
    value: float
    unit: str
    asked: float | None = None
    """At most so much."""
    note: str = ""
    at_least: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the figure is within what was asked; None where nothing was."""
        if self.asked is None and self.at_least is None:
            return None
        return (self.asked is None or self.value <= self.asked) and (
            self.at_least is None or self.value >= self.at_least
        )


@dataclass(frozen=True)
class Cost:
    """What one process cost."""

    cpu_seconds: float
    wall_seconds: float
    exit_code: int


def cost_of(command: Sequence[str], env: Mapping[str, str]) -> Cost:
    """CPU (user + system, of the process and what it waited for) and wall time of a command, output thrown away."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, process.returncode)


def cpu_ratios(
    contestants: Mapping[str, Sequence[str]], *, baseline: Sequence[str], env: Mapping[str, str], rounds: int
) -> dict[str, float]:
    """Median CPU of each command over the median of the baseline, interleaved. RuntimeError when one fails."""
    costs: dict[str, list[float]] = {name: [] for name in contestants}
    base: list[float] = []
    for _ in range(rounds):
        base.append(cost_of(baseline, env).cpu_seconds)
        for name, command in contestants.items():
            cost = cost_of(command, env)
            if cost.exit_code != 0:
                raise RuntimeError(f"{name}: {' '.join(command)} left with {cost.exit_code}")
            costs[name].append(cost.cpu_seconds)
    return {name: statistics.median(values) / statistics.median(base) for name, values in costs.items()}


def bare_python() -> list[str]:
    """What every start-up is compared with."""
    return [sys.executable, "-c", "pass"]
