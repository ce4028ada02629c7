"""What one round of asking every source came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.metrics.model.snapshots import MetricsSnapshot

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame


@dataclass(frozen=True, slots=True)
class Collected:
    """The frame is for a history: what was measured here since the round before, and in no other process's frame.

    What the application recorded through perfctl is in the snapshot alone: its processes publish it themselves.
    """

    frame: Frame
    snapshot: MetricsSnapshot
