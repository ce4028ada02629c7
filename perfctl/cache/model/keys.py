"""What the cache answers of single keys and of namespaces: frozen results, without a driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class CachedValue:
    """One key, looked up."""

    key: str
    namespace: str | None
    """None for a key that is addressed by its whole name."""
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
    stale_seconds: float | None = None
    """How long after its life it stands in when nothing better can be had."""
    reason: str | None = None
    """Why bytes that lie under the key are no hit: `cleared` or `stale`."""


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


@dataclass(frozen=True, slots=True)
class NamespaceSize:
    """What lies in a namespace: counted, its bytes extrapolated from samples."""

    namespace: str
    keys: int
    """Those that may be served."""
    size_bytes: int
    samples: tuple[str, ...] = ()
    garbage: int = 0
    """Keys of what was cleared, not given back yet."""
    garbage_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Cleared:
    """A namespace, a tag or what matches a pattern, cleared (or, with `dry_run`, what clearing it would delete)."""

    namespace: str | None
    """None for a pattern of whole names."""
    keys: int
    """Keys that were there to be served; counted, but extrapolated from a sample where some were cleared before."""
    size_bytes: int
    """The memory they take, extrapolated from a sample."""
    dry_run: bool
    deleted: int
    """Keys that nobody is served any more, from the moment of the clear on."""
    took_ms: float
    samples: tuple[str, ...] = ()
    tag: str | None = None
    """Where only what carries a tag was cleared."""
    pattern: str | None = None
    """Where only what matches a pattern was cleared."""
    clear_ms: float | None = None
    """How long it took until nobody was served it any more."""
    reclaimed: int = 0
    """Keys whose memory was given back by this command; those of earlier clears, too."""
    to_reclaim: int = 0
    """Keys that nobody is served, and whose memory is still to be given back: by an application that runs, by
    `--reclaim`, or when they expire."""
    to_reclaim_bytes: int = 0


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
    resumed_at: int = 0
    """Entries passed over because an earlier run had loaded them."""
