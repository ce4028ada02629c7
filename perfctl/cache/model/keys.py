"""What the cache answers of single keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class KeyPresence:
    """Whether a key is there."""

    key: str
    found: bool


@dataclass(frozen=True, slots=True)
class Presence:
    """Which keys are there."""

    listing: ClassVar[str] = "rows"

    namespace: str
    found: int
    absent: int
    rows: tuple[KeyPresence, ...]


@dataclass(frozen=True, slots=True)
class KeyLife:
    """How long a key lives."""

    key: str
    namespace: str | None
    """None for a key that is addressed by its whole name."""
    found: bool
    expires: bool = True
    """False: never."""
    ttl_seconds: float | None = None
    """What is left of its life; None when it is absent or never expires."""
    stale_seconds: float | None = None
    """How long after that it stands in when nothing better can be had; None: not at all."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A key whose life began anew."""

    key: str
    namespace: str
    found: bool
    ttl_seconds: float | None = None
    """Its life from now on; None when it is absent or never expires."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One key, written."""

    key: str
    namespace: str
    ttl_seconds: float | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """Keys that were to be deleted, and those that were not there."""

    namespace: str
    deleted: int
    absent: int
