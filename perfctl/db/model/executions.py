"""One execution of a statement through perfctl."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution through perfctl, as the application's own recorder keeps it."""

    query: str
    took_ms: float
    rows: int
    was_cached: bool
    failed: bool
