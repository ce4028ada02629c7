"""What a simulation answers, and the made-up logs that it can be tried on: frozen results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Corpus:
    """Access logs that were made up, and what their caches did."""

    folder: str
    form: str
    """v1, v2-json or v2-w3c."""
    files: int
    requests: int
    urls: int
    """That were asked for at least once."""
    size_bytes: int
    """Of the files."""
    hours: float
    """From the first request to the last."""
    hits: int
    refresh_hits: int
    misses: int
    hit_ratio: float | None
    """Hit and RefreshHit over all requests; None without one."""
