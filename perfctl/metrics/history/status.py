"""What a history says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resolution:
    """What is kept at one resolution."""

    seconds: int
    """The width of its slots; 0 for frames as the processes wrote them, not a minute old."""
    frames: int
    bytes: int
    oldest: float | None
    """The start of the oldest, in seconds since 1970; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStatus:
    """Where a history lies, and what it holds."""

    file: str
    is_there: bool
    size_bytes: int
    """Of the file, with its write-ahead log."""
    days: float
    """How long frames are kept."""
    oldest: float | None
    newest: float | None
    resolutions: tuple[Resolution, ...]
    sources: tuple[str, ...]
    """The processes that wrote in the last minutes."""
