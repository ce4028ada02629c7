"""The resolutions at which a history keeps its frames, and to which slot of time a frame belongs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame

MINUTE, HOUR, DAY = 60, 3600, 86_400
WRITTEN = 0
"""The level of frames as they were written, each with the process it came from."""


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution."""

    seconds: int
    """The width of its slots, and its number in the file."""
    after_seconds: int
    """How old the slots of the level before are when they are folded into this one."""
    copied_by: int
    """The width of the wider slots that hold the sum of its own, too, so that long windows read few rows."""


LEVELS = (Level(10, MINUTE, 0), Level(MINUTE, 2 * HOUR, HOUR), Level(10 * MINUTE, 48 * HOUR, DAY))
"""10 s for two hours, a minute for two days, ten minutes for as long as the history is kept."""


def copy_of(level: Level) -> int:
    """The number under which the wider sums of a level stand: no frame of their own.

    >>> copy_of(LEVELS[1]), copy_of(LEVELS[2])
    (-3600, -86400)
    """
    return -level.copied_by


def moment_of(frame: Frame) -> float:
    """The moment that a frame stands for: the middle of its time, at most five seconds before its end."""
    return frame.at - min(max(frame.seconds, 0.0), LEVELS[0].seconds) / 2


def slot_of(moment: float, seconds: int) -> int:
    """The start of the slot of that width in which a moment lies, in seconds since 1970.

    >>> slot_of(1234.5, 60)
    1200
    """
    return int(moment // seconds) * seconds
