"""What a simulation answers: frozen results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class SimulatedRow:
    """One policy at one size, over the whole trace."""

    policy: str
    """As it was named."""
    size: str
    """As it was named."""
    capacity: int
    """What the size comes to: entries, or bytes where it was named in bytes."""
    requests: int
    hits: int
    hit_ratio: float


@dataclass(frozen=True, slots=True)
class TargetSize:
    """The smallest size at which a policy reaches a hit ratio."""

    policy: str
    target: float
    capacity: int | None
    """In entries; None where no size reaches it, and `reason` says why."""
    keys_share: float | None
    """The capacity by the unique keys."""
    hit_ratio: float | None
    """At that capacity; where no size reaches the target, of a cache that keeps everything."""
    is_exact: bool
    """Whether no smaller size can reach it. False: one entry less does not, but the hits of this policy may rise
    and fall with the size (Belady's anomaly)."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Simulated:
    """A trace through policies and sizes: a row for each pair that was named, in that order."""

    listing: ClassVar[str] = "rows"

    trace: str
    requests: int
    unique_keys: int
    """Estimated where only a sample of the keys was replayed."""
    default_policy: str
    """What `default` stands for."""
    rows: tuple[SimulatedRow, ...]
    targets: tuple[TargetSize, ...] = ()
    sample_ratio: float = 1.0
    """The share of the keys that was replayed, at sizes as much smaller; below 1 all figures are estimates."""
    bad_lines: int = 0
    """Lines of the trace that are no request, passed over."""
    bad_samples: tuple[str, ...] = ()
    """The first of them: where each stands, and why."""
    svg: str | None = None
    """The file that the curve was drawn to."""
