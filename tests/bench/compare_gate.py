"""`metrics compare` as a gate on a busy machine: false alarms on A against itself, and how much of +10 % it finds."""

from __future__ import annotations

import math
import os
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from perfctl.metrics.comparing import Comparison, compare
from perfctl.metrics.comparing.running import run_once
from tests.bench.measure import Figure

SAME = 100
SLOWER = 40
"""So many comparisons of either kind, 30 pairs of commands of 10 to 20 ms each, take about three minutes."""
PAIRS = 30
ADDED = 0.10
TURNS = 100_000
CALIBRATIONS = 60
PYTHON = os.path.realpath(sys.executable)
"""Without the virtual environment, whose look-up makes up a part of the start-up."""
HOG = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
"""It keeps one CPU busy for as long as we live."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the comparisons said."""

    same: tuple[Comparison, ...]
    """Of a command with itself."""
    slower: tuple[Comparison, ...]
    """Of a command with one that takes a tenth more."""

    @property
    def alarms(self) -> float:
        """Share of `breach` where nothing had changed."""
        return _breaches(self.same)

    @property
    def found(self) -> float:
        """Share of `breach` where a tenth had been added."""
        return _breaches(self.slower)

    @property
    def change(self) -> float:
        """The median change of the slower one: how near to a tenth what was added came."""
        return statistics.median(each.change for each in self.slower)


def run(same: int = SAME, slower: int = SLOWER) -> list[Figure]:
    """Comparisons of CPU time beside a process that keeps one CPU busy."""
    gate = measured_gate(same, slower)
    of_same, of_slower = (f"{len(each)} comparisons of {PAIRS} pairs" for each in (gate.same, gate.slower))
    command_ms = statistics.median(each.a_median for each in gate.same) * 1000
    return [
        Figure("A/A alarms", gate.alarms * 100, "%", asked=1, note=of_same),
        Figure("detection of +10 %", gate.found * 100, "%", at_least=95, note=of_slower),
        Figure("passed though 10 % slower", _share(gate.slower, "pass") * 100, "%"),
        Figure("A/A inconclusive", _share(gate.same, "inconclusive") * 100, "%"),
        Figure("change of the slower command", gate.change * 100, "%", note=f"median; A takes {command_ms:.1f} ms"),
        Figure("load of the machine", os.getloadavg()[0], "", note=f"{os.cpu_count()} CPUs, at the end"),
    ]


def measured_gate(same: int, slower: int) -> Gate:
    """So many comparisons of either kind, the kinds mixed evenly. Each comparison has its own seed."""
    kinds = sorted(
        [(each / same, "same") for each in range(same)] + [(each / slower, "slower") for each in range(slower)]
    )
    found: dict[str, list[Comparison]] = {"same": [], "slower": []}
    with _busy_cpu():
        a, b = _loop(TURNS), _loop(_turns_of_slower())
        for seed, (_, kind) in enumerate(kinds):
            found[kind].append(compare(a, a if kind == "same" else b, pairs=PAIRS, seed=seed))
    return Gate(tuple(found["same"]), tuple(found["slower"]))


@contextmanager
def _busy_cpu() -> Iterator[None]:
    hog = subprocess.Popen([PYTHON, "-IS", "-c", HOG], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        hog.kill()
        hog.wait()


def _turns_of_slower() -> int:
    """So many turns of the loop that the whole command, its start-up counted, takes a tenth more CPU time.

    What turns cost comes from interleaved runs of one loop and of a five times longer one.
    """
    wholes, loops = [], []
    for _ in range(CALIBRATIONS):
        once, five_times = (_cpu_seconds(_loop(turns)) for turns in (TURNS, 5 * TURNS))
        wholes.append(once)
        loops.append((five_times - once) / 4)
    return TURNS + math.ceil(TURNS * ADDED * statistics.median(wholes) / statistics.median(loops))


def _cpu_seconds(command: str) -> float:
    return run_once(command, "calibration", timeout_seconds=60).cpu_seconds


def _loop(turns: int) -> str:
    """A command that does the same work every time."""
    return shlex.join([PYTHON, "-IS", "-c", f"for _ in range({turns}): pass"])


def _breaches(comparisons: tuple[Comparison, ...]) -> float:
    return _share(comparisons, "breach")


def _share(comparisons: tuple[Comparison, ...], verdict: str) -> float:
    return sum(each.verdict == verdict for each in comparisons) / len(comparisons)
