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


@dataclass(frozen=True, slots=True)
class PreloadReport:
    """What was fetched through the edge so that the next visitor meets it there."""

    listing: ClassVar[str] = "rows"

    requested: int
    warmed: int
    failed: int
    rows: tuple[Warmed, ...]
