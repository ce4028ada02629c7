"""What was fetched through the edge ahead of the visitors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Warmed:
    """One URL in one encoding, fetched through the edge."""

    url: str
    encoding: str
    status: int | None
    first: str
    """What the cache said at the first GET."""
    is_warm: bool
    """Whether the edge now answers from its cache."""
    size_bytes: int
    took_ms: float
    error: str | None = None
    location: str | None = None
    """The edge location that was asked for; None is the nearest one."""
    via_pop: str | None = None
    """The edge location that answered."""
    redirected_to: str | None = None
    why_not_kept: str | None = None
    """Where the edge answered well, and does not keep it."""


@dataclass(frozen=True, slots=True)
class PreloadReport:
    """What was fetched through the edge so that the next visitor meets it there."""

    listing: ClassVar[str] = "rows"

    requested: int
    warmed: int
    failed: int
    rows: tuple[Warmed, ...]
    requests: int = 0
    """The GETs that were sent: looking again and redirects are GETs, too."""
    size_bytes: int = 0
    """What the first GETs brought."""
    took_seconds: float = 0.0
