"""A queue in a file of its own, its control plane in memory, on one virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.queue.limits import QueueLimits
from perfctl.cdn.queue.queue import InvalidationQueue

OpenQueue = Callable[..., InvalidationQueue]


@pytest.fixture
def control(clock: VirtualClock, shop: object, blog: object) -> MemoryCloudFront:
    return MemoryCloudFront((shop, blog), completion_seconds=25.0, time=clock.time)  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queue" / "default.sqlite"


@pytest.fixture
def opened(file: Path, control: MemoryCloudFront, clock: VirtualClock) -> OpenQueue:
    """The queue of the file, as another process would open it."""

    async def plane() -> MemoryCloudFront:
        return control

    def open_queue(**limits: float) -> InvalidationQueue:
        return InvalidationQueue(file, plane, clock.time, replace(QueueLimits(), **limits))  # type: ignore[arg-type]

    return open_queue


@pytest.fixture
def queue(opened: OpenQueue) -> InvalidationQueue:
    return opened()
