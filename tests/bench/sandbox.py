"""How long a sandbox takes to come and to go: wall seconds, medians over cycles."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.measure import Figure
from tests.bench.stack import Stack

CYCLES = int(os.environ.get("PERFCTL_BENCH_CYCLES", "5"))


def run() -> list[Figure]:
    """The first `up` with an empty cache folder, then warm cycles."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        stack.environment["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        first, _ = _cycle(stack)
        cycles = [_cycle(stack) for _ in range(CYCLES)]
    return [
        Figure("sandbox up, first", first, "s", 15.0, "builds the database template"),
        Figure("sandbox up, warm", statistics.median(up for up, _ in cycles), "s", 3.0),
        Figure("sandbox down", statistics.median(down for _, down in cycles), "s", 2.0),
    ]


def _cycle(stack: Stack) -> tuple[float, float]:
    started = time.perf_counter()
    stack.__enter__()
    up = time.perf_counter()
    stack.__exit__(None, None, None)
    return up - started, time.perf_counter() - up
