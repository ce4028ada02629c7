"""What a clear is going to do, and what it did."""

from __future__ import annotations

from dataclasses import dataclass


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
    only_reclaims: bool = False
    """Whether nothing was to be cleared, and the memory of earlier clears alone given back."""
