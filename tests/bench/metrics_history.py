"""The history of metrics: what a frame costs to append, a month to read, and a scrape to write."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, generate_latest
from prometheus_client import Histogram as TheirHistogram

from perfctl.metrics.exposition import prometheus
from perfctl.metrics.history import History
from perfctl.metrics.history.levels import DAY, HOUR
from perfctl.recording.frame import Frame
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import series
from tests.bench.measure import Figure

COUNTERS, HISTOGRAMS, VALUES = 60, 8, 500
ROUNDS = 9
NOW = 1_700_000_400.0


def run() -> list[Figure]:
    """Every figure of a frame of 60 counters and 8 histograms."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_appending(Path(folder)), *_a_month(Path(folder)), *_exposing()]


def _appending(folder: Path) -> list[Figure]:
    frame = _frame(NOW, 10.0, random.Random(1))
    history = History(folder / "append.sqlite", clock=lambda: NOW)
    history.append(frame, source="bench")

    def twenty() -> None:
        for _ in range(20):
            history.append(frame, source="bench")

    append = _cpu(twenty) / 20 * 1000
    size = len(frame.pack()) / 1000
    history.close()
    return [
        Figure("append and commit of a frame", append, "ms", 5.0, f"CPU; {COUNTERS} counters, {HISTOGRAMS} histograms"),
        Figure("a frame in the file", size, "kB", 10.0),
    ]


def _a_month(folder: Path) -> list[Figure]:
    """30 days at all resolutions: as a month of recording leaves them."""
    history = History(folder / "month.sqlite", clock=lambda: NOW)
    frames = [_frame(0.0, 0.0, random.Random(number)) for number in range(20)]
    number = 0
    for oldest, newest, width in ((30 * DAY, 48 * HOUR, 600), (48 * HOUR, 2 * HOUR, 60), (2 * HOUR, 0, 10)):
        for age in range(int(oldest), int(newest), -width):
            frame = frames[number % len(frames)]
            frame.at, frame.seconds, number = NOW - age + width, float(width), number + 1
            history.append(frame, source="bench")
    fold = _cpu(history.fold, rounds=1)
    month = _cpu(lambda: history.window(NOW - 30 * DAY, NOW + 1), rounds=3)
    hour = _cpu(lambda: history.window(NOW - HOUR, NOW + 1), rounds=3)
    size = history.status().size_bytes / 1e6
    history.close()
    return [
        Figure("a window of 30 days", month, "s", 2.0, f"CPU, of {number} frames"),
        Figure("a window of an hour", hour * 1000, "ms", note="CPU, of 360 frames"),
        Figure("folding a frame", fold / number * 1000, "ms", 10.0, "CPU, through every resolution"),
        Figure("the file of 30 days", size, "MB", 100.0),
    ]


def _exposing() -> list[Figure]:
    """The same lines by prometheus_client, interleaved."""
    ours, theirs = _frame(NOW, 10.0, random.Random(2)), _their_registry()
    lines = [text.count("\n") for text in (prometheus(ours), generate_latest(theirs).decode())]
    pairs = [
        (_cpu(lambda: prometheus(ours), rounds=1), _cpu(lambda: generate_latest(theirs), rounds=1))
        for _ in range(ROUNDS * 3)
    ]
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    note = f"{lines[0]} lines in {mine * 1000:.2f} ms; {lines[1]} in {other * 1000:.2f} ms"
    return [Figure("exposition, of generate_latest's CPU", mine / other, "x", 0.5, note)]


def _frame(at: float, seconds: float, rng: random.Random) -> Frame:
    frame = Frame(at, seconds)
    for number in range(COUNTERS):
        frame.counters[series("cache.requests", namespace=f"n{number}", tier="l1", result="hit")] = float(number)
    for number in range(HISTOGRAMS):
        one = frame.histograms[series("db.query.duration", fingerprint=f"f{number}")] = Histogram()
        one.extend([rng.lognormvariate(-5, 1) for _ in range(VALUES)])
    return frame


def _their_registry() -> CollectorRegistry:
    disable_created_metrics()  # type: ignore[no-untyped-call] # theirs would be 72 lines more than ours
    registry, rng = CollectorRegistry(), random.Random(2)
    counter = Counter("perfctl_cache_requests", "Look-ups", ["namespace", "tier", "result"], registry=registry)
    for number in range(COUNTERS):
        counter.labels(f"n{number}", "l1", "hit").inc(number)
    bounds = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
    labels = ["db_system_name", "fingerprint"]
    histogram = TheirHistogram(
        "db_client_operation_duration_seconds", "How long", labels, buckets=bounds, registry=registry
    )
    for number in range(HISTOGRAMS):
        child = histogram.labels("postgresql", f"f{number}")
        for _ in range(VALUES):
            child.observe(rng.lognormvariate(-5, 1))
    return registry


def _cpu(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return statistics.median(times)
