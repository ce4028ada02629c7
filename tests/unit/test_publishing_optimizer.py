"""An application with `metrics.publish` writes what its engines record to the history."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from perfctl.config.settings import MetricsConfig, Settings
from perfctl.metrics.history import open_history
from perfctl.optimizer import PerformanceOptimizer
from perfctl.recording.series import series


def settings_with(folder: Path, *, publish: bool) -> Settings:
    return Settings(metrics=MetricsConfig(history_file=str(folder / "h.sqlite"), publish=publish))


async def invalidated(optimizer: PerformanceOptimizer) -> None:
    async with optimizer:
        optimizer.recording.counter("cdn.invalidations").add(2)


def test_what_was_recorded_is_in_the_history_when_the_engines_are_closed(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, publish=True)
    optimizer = PerformanceOptimizer.from_settings(settings)
    for expected in (2, 4):
        asyncio.run(invalidated(optimizer))
        window = open_history(settings).window(0, time.time() + 60)
        assert window.counters[series("cdn.invalidations")] == expected


def test_nothing_is_written_where_publishing_is_off(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, publish=False)
    asyncio.run(invalidated(PerformanceOptimizer.from_settings(settings)))
    assert not (tmp_path / "h.sqlite").exists()
