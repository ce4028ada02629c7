"""What a process records reaches the history: in time, at its end, once, and from forked children as their own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perfctl.config.settings import MetricsConfig, Settings
from perfctl.errors import ServiceError
from perfctl.metrics.history import History
from perfctl.metrics.publishing import Publisher
from perfctl.optimizer import PerformanceOptimizer
from perfctl.recording.frame import Frame
from perfctl.recording.registry import Registry
from perfctl.recording.series import series

LABELS = {"namespace": "api", "tier": "l1", "result": "hit"}
HITS = series("cache.requests", **LABELS)

_ENDS_WITHOUT_CLOSING = """
import sys
from pathlib import Path
from perfctl.metrics.history import History
from perfctl.metrics.publishing import Publisher
from perfctl.recording.registry import Registry
registry = Registry()
Publisher(registry, History(Path(sys.argv[1])), 3600).start()
registry.counter("cache.requests", namespace="api", tier="l1", result="hit").add(5)
"""


class Full(History):
    """A history on a disk that is full for now."""

    is_full = True

    def append(self, frame: Frame, *, source: str) -> None:
        if self.is_full:
            raise ServiceError("the disk is full")
        super().append(frame, source=source)


def hits(path: Path) -> float:
    return History(path).window(0, time.time() + 60).counters.get(HITS, 0.0)


def test_a_thread_publishes_each_interval(tmp_path: Path) -> None:
    path, registry = tmp_path / "h.sqlite", Registry()
    publisher = Publisher(registry, History(path), 0.02)
    publisher.start()
    publisher.start()
    registry.counter("cache.requests", **LABELS).add(2)
    deadline = time.monotonic() + 60
    while hits(path) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    publisher.close()
    assert hits(path) == 2


def test_closing_writes_the_rest_and_starting_again_goes_on(tmp_path: Path) -> None:
    path, registry = tmp_path / "h.sqlite", Registry()
    publisher = Publisher(registry, History(path), 3600)
    for expected in (3, 6):
        publisher.start()
        registry.counter("cache.requests", **LABELS).add(3)
        publisher.close()
        assert not publisher.is_running
        assert hits(path) == expected


def test_a_program_that_ends_without_closing_has_published_everything(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    subprocess.run([sys.executable, "-c", _ENDS_WITHOUT_CLOSING, str(path)], check=True, timeout=60)
    assert hits(path) == 5


def test_nothing_is_written_where_nothing_was_recorded(tmp_path: Path) -> None:
    publisher = Publisher(Registry(), History(tmp_path / "h.sqlite"), 3600)
    publisher.start()
    publisher.close()
    assert not (tmp_path / "h.sqlite").exists()


def test_an_idle_interval_is_measured_time_without_figures(tmp_path: Path) -> None:
    publisher = Publisher(Registry(), History(tmp_path / "h.sqlite"), 0.0)
    publisher.flush()
    assert History(tmp_path / "h.sqlite").latest() is not None


def test_what_cannot_be_written_goes_with_the_next_frame_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry, history = Registry(), Full(tmp_path / "h.sqlite")
    publisher = Publisher(registry, history, 3600)
    for _ in range(3):
        registry.counter("cache.requests", **LABELS).add()
        publisher.close()
    assert caplog.text.count("figures are not written to the history for now: the disk is full") == 1
    history.is_full = False
    registry.counter("cache.requests", **LABELS).add()
    publisher.close()
    assert hits(history.path) == 4


def test_forked_children_publish_their_own_and_none_of_the_parents(tmp_path: Path) -> None:
    path, registry = tmp_path / "h.sqlite", Registry()
    publisher = Publisher(registry, History(path), 3600)
    publisher.start()
    counter = registry.counter("cache.requests", **LABELS)
    counter.add(100)
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                counter.add(1)
                status = 0 if publisher.is_running else 2
                publisher.close()
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    publisher.close()
    assert hits(path) == 103
    assert len(History(path).status().sources) == 4


def test_each_process_is_in_every_slot_of_the_history_however_seldom_servers_are_asked(tmp_path: Path) -> None:
    metrics = MetricsConfig(publish=True, interval_seconds=60.0, history_file=str(tmp_path / "h.sqlite"))
    optimizer = PerformanceOptimizer(settings=Settings(metrics=metrics))
    assert optimizer.recording is not None
    publisher = optimizer._publisher
    assert publisher is not None
    assert publisher.interval_seconds < 10
    asyncio.run(optimizer.close())
