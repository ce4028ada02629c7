"""What recording one duration costs, counted and all: against ddsketch and prometheus_client."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

from perfctl.recording.registry import Registry
from tests.bench.measure import Figure

VALUES = 20_000
ROUNDS = 15


def run() -> list[Figure]:
    """CPU time of 20,000 durations each; contestants take turns. Ours includes counting what was taken."""
    own = random.Random(7)
    seconds = [own.lognormvariate(-6, 1.5) for _ in range(VALUES)]
    costs: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(ROUNDS):
        for name, make in CONTESTANTS.items():
            record, finish = make()
            started = time.process_time()
            for value in seconds:
                record(value)
            finish()
            costs[name].append(time.process_time() - started)
    medians = {name: statistics.median(values) for name, values in costs.items()}
    ours = medians["perfctl"]
    return [
        Figure("record", ours / VALUES * 1e9, "ns", note="CPU, with its counting"),
        Figure("record / ddsketch add", ours / medians["ddsketch"], "x", asked=0.5),
        Figure("record / prometheus_client labels().observe", ours / medians["prometheus_client"], "x", asked=0.2),
    ]


Contestant = Callable[[], tuple[Callable[[float], object], Callable[[], object]]]


def _perfctl() -> tuple[Callable[[float], object], Callable[[], object]]:
    recorder = Registry().histogram("db.query.duration", fingerprint="f")
    return recorder.record, recorder.total


def _ddsketch() -> tuple[Callable[[float], object], Callable[[], object]]:
    from ddsketch import DDSketch

    return DDSketch(0.01).add, lambda: None


def _prometheus() -> tuple[Callable[[float], object], Callable[[], object]]:
    from prometheus_client import CollectorRegistry, Histogram

    histogram = Histogram("duration", "of a query", ["fingerprint"], registry=CollectorRegistry())
    return lambda value: histogram.labels("f").observe(value), lambda: None


CONTESTANTS: dict[str, Contestant] = {
    "perfctl": _perfctl,
    "ddsketch": _ddsketch,
    "prometheus_client": _prometheus,
}
