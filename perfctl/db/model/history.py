"""The history of what statements cost: a recording, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording, as it was made."""

    recorded: bool
    """False where another recorder was quicker."""
    is_first: bool
    """The first of a server is what the next one is compared with; it says nothing of any time."""
    file: str
    at: datetime
    """By the server's clock."""
    covers_seconds: float | None
    """The time since the recording before."""
    statements: int
    """Shapes that the server holds."""
    changed: int
    """Shapes that were called since the recording before."""
    calls: int
    total_ms: float
    new_texts: int
    unreadable: int
    """Statements of roles that this one may not see."""
    pruned: int
    """Recordings that were removed because they are too old."""
    events: tuple[str, ...]
    """What was lost in between, and why: resets, evictions, restarts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recording, as it is kept."""

    at: datetime
    """By the recorder's clock."""
    server: str
    covers_seconds: float | None
    shapes: int
    calls: int
    total_ms: float
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryListing:
    """The recordings of a context, the latest first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[Recorded, ...]
    total: int
    file: str
    size_bytes: int
    texts: int
    """Statements whose text is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed of a history, or would be."""

    file: str
    removed: int
    left: int
    freed_bytes: int
    dry_run: bool
