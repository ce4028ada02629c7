"""Recording and exporting from the command line: how they look, and what a signal, a second run and a full disk do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perfctl.document.envelope import Output
from perfctl.errors import LockedError, ServiceError
from perfctl.metrics.history import History
from perfctl.metrics.model import metrics_of, snapshot_of
from perfctl.metrics.model.collected import Collected
from perfctl.metrics.model.recorded import Exported, RecordedInterval, Recording
from perfctl.metrics.observing import Observer
from perfctl.recording.frame import Frame
from perfctl.recording.series import series
from perfctl.render.metrics_recorded import interval_line
from tests.cli.golden_files import drawn_as, golden_of

HITS = series("redis.keyspace.hits")
AT = datetime(2026, 11, 23, 22, 30, 10, tzinfo=UTC)

RECORDING = Recording(
    file="/var/lib/perfctl/metrics/prod.sqlite",
    started=AT - timedelta(hours=1),
    ended=AT,
    every_seconds=10.0,
    intervals=360,
    series=142,
    unwritten_seconds=20.0,
    unanswered=("Redis",),
    firing=("api-errors",),
    size_bytes=38_540_000,
    oldest=AT - timedelta(days=30),
)
EXPORTED = Exported(
    format="openmetrics",
    file="/var/lib/node_exporter/perfctl.prom",
    size_bytes=18_204,
    at=AT,
    seconds=3600.0,
    since=AT - timedelta(hours=1),
    series=142,
    rows=(),
)
FIGURES = {
    "api_response_time_ms": 12.34,
    "requests_per_second": 230.4,
    "error_rate": 0.0012,
    "database_query_time_ms": 4.8973,
    "active_connections": 12.0,
    "cache_hit_rate": 0.9642,
    "cpu_usage_percent": 37.5,
    "memory_usage_mb": 12477.3,
    "network_io_mb": 1.5,
    "disk_io_mb": None,
}

_golden = golden_of("metrics")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("output", ["table", "plain"])
def test_what_was_recorded_is_drawn_as_the_golden_one(output: Output, width: int) -> None:
    text = drawn_as(RECORDING, output, width, words=("metrics", "record"))
    assert text == _golden(f"record-{output}-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_what_was_exported_is_drawn_as_the_golden_one(width: int) -> None:
    text = drawn_as(EXPORTED, "table", width, words=("metrics", "export"))
    assert text == _golden(f"export-{width}.txt", text)


def test_an_interval_is_a_line_that_fits_80_columns() -> None:
    full = RecordedInterval(
        at=AT, seconds=10.0, series=142, figures=FIGURES, unanswered=(), firing=("api-errors",), trouble=None
    )
    nothing = RecordedInterval(
        at=AT, seconds=10.0, series=4, figures=dict.fromkeys(FIGURES), unanswered=("Redis",), firing=(), trouble=None
    )
    text = "\n".join([interval_line(full, with_head=True), interval_line(nothing), ""])
    assert text == _golden("record-lines.txt", text)
    assert max(len(line) for line in text.splitlines()) <= 80


class Counting:
    """Servers that count one hit a look."""

    async def collect(self) -> Collected:
        now = time.time()
        return Collected(Frame(now, 1.0, {HITS: 1.0}), snapshot_of(metrics_of([]), at=datetime.now(UTC)))


class Full(History):
    """A history on a disk that is full for now."""

    is_full = False

    def append(self, frame: Frame, *, source: str) -> None:
        if self.is_full:
            raise ServiceError("the disk is full")
        super().append(frame, source=source)


def hits(history: History) -> float:
    return history.window(0, time.time() + 60).counters.get(HITS, 0.0)


def test_what_cannot_be_written_is_told_and_goes_with_the_next_look(tmp_path: Path) -> None:
    history = Full(tmp_path / "h.sqlite")

    async def looked() -> list[str | None]:
        observer = Observer(Counting().collect, history, interval_seconds=10)
        await observer.begin()
        troubles = []
        for full in (False, True, True, False):
            history.is_full = full
            troubles.append((await observer.look()).trouble)
        await observer.end()
        assert observer.kept_seconds == 0
        return troubles

    assert asyncio.run(looked()) == [None, "the disk is full", "the disk is full", None]
    assert hits(history) == 4


def test_one_observes_a_history_at_a_time(tmp_path: Path) -> None:
    async def both() -> None:
        first = Observer(Counting().collect, History(tmp_path / "h.sqlite"), interval_seconds=10)
        second = Observer(Counting().collect, History(tmp_path / "h.sqlite"), interval_seconds=10)
        await first.begin()
        with pytest.raises(LockedError, match=rf"process {os.getpid()} records into the history .*h.sqlite already"):
            await second.begin()
        await first.end()
        await second.begin()
        await second.end()

    asyncio.run(both())


def test_a_signal_ends_a_recording_after_a_last_look_and_gives_the_history_back(tmp_path: Path) -> None:
    environ = {**os.environ, "PERFCTL_STATE_DIR": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "perfctl", "metrics", "record", "--every", "100ms", "-o", "ndjson"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, cwd=tmp_path, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read().splitlines()
        assert process.wait(60) == 143
    history = History(tmp_path / "metrics" / "default.sqlite")
    latest = history.latest()
    assert first["figures"]["cpu_usage_percent"] is not None
    assert latest is not None
    assert latest.at > datetime.fromisoformat(json.loads([json.dumps(first), *rest][-1])["at"]).timestamp()
    assert history.lease("observe", holder="next", seconds=30) is None


class Silent(Counting):
    """A server that was silent for the three looks before, and counted 40 hits since then."""

    async def collect(self) -> Collected:
        counted = await super().collect()
        at = counted.frame.at
        earlier = tuple(Frame(at - back, 1.0, {HITS: 10.0}) for back in (3.0, 2.0, 1.0))
        return Collected(Frame(at, 1.0, {HITS: 10.0}), counted.snapshot, earlier)


def test_what_is_known_of_earlier_looks_goes_where_it_belongs(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")

    async def looked() -> float:
        observer = Observer(Silent().collect, history, interval_seconds=10)
        await observer.begin()
        return (await observer.look()).at.timestamp()

    at = asyncio.run(looked())
    assert hits(history) == 40
    assert history.window(at - 60, at + 60).seconds == pytest.approx(4.0)
    latest = history.latest()
    assert latest is not None
    assert latest.at == pytest.approx(at, abs=0.001)
