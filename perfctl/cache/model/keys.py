"""What the cache answers of single keys and of namespaces: frozen results, without a driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class CachedValue:
    """One key, looked up."""

    key: str
    namespace: str
    found: bool
    value: Any = None
    type: str | None = None
    """The value's Python type: `str`, `dict`, `datetime`."""
    ttl_seconds: float | None = None
    """What is left of its life; None when it never expires."""
    size_bytes: int | None = None
    """What the server holds: header and compressed value."""
    unreadable: str | None = None
    """Why the bytes under this key are no value of ours."""


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


@dataclass(frozen=True, slots=True)
class NamespaceSize:
    """What lies in a namespace: counted, its bytes extrapolated from samples."""

    namespace: str
    keys: int
    size_bytes: int
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleared:
    """A namespace, emptied (or, with `dry_run`, what emptying it would delete)."""

    namespace: str
    keys: int
    size_bytes: int
    dry_run: bool
    deleted: int
    took_ms: float
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preloaded:
    """Entries written ahead of the reads."""

    listing: ClassVar[str] = "rows"

    namespace: str
    """Where the entries went; several by commas, where entries name their own."""
    loaded: int
    failed: int
    size_bytes: int
    took_ms: float
    rows: tuple[str, ...] = ()
    """The first entries that were not loaded: where each stands, and why."""
