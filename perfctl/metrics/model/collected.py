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

    What a source tells for a longer time, because it was silent in rounds before, is in the frame by the share that
    came in its seconds, and the rest in `earlier`: a rate over any of them is none of another time.

    What the application recorded through perfctl is in the snapshot alone: its processes publish it themselves.
    """

    frame: Frame
    snapshot: MetricsSnapshot
    earlier: tuple[Frame, ...] = ()
    """What is known now of the rounds before, the oldest first: to be added to what was known of them."""
