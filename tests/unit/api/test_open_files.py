"""A service that is asked for ever holds the history's file open no more often after a while than at its start."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

from perfctl.api import queries, reads
from perfctl.config.settings import MetricsConfig, Settings
from perfctl.metrics.history import open_history
from perfctl.operations.snapshot import metrics_snapshot
from perfctl.optimizer import PerformanceOptimizer
from perfctl.recording.registry import Registry

OPEN = Path("/proc/self/fd")

pytestmark = pytest.mark.skipif(not OPEN.exists(), reason="open files are counted in /proc: Linux alone has it")


def _held(path: Path) -> int:
    links = [each.readlink() for each in OPEN.iterdir() if each.is_symlink()]
    return sum(str(link).startswith(str(path)) for link in links)


def test_what_reads_the_history_lets_go_of_it(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    settings = Settings(metrics=MetricsConfig(history_file=str(path)))
    registry = Registry()
    registry.counter("cdn.invalidations").add()
    history = open_history(settings)
    history.append(registry.take(), source="test")
    history.close()

    async def rounds(optimizer: PerformanceOptimizer, number: int) -> int:
        for _ in range(number):
            await reads.totals(optimizer, queries.Query())
            await reads.alerts(optimizer, queries.Query())
            await metrics_snapshot(optimizer)
        return _held(path)

    async def scene() -> tuple[int, int]:
        async with PerformanceOptimizer(settings=settings) as optimizer:
            return await rounds(optimizer, 1), await rounds(optimizer, 3)

    gc.collect()
    gc.disable()
    try:
        first, later = asyncio.run(scene())
    finally:
        gc.enable()
    assert later <= first
