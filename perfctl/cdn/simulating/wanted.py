"""What a simulation is asked for: other TTLs, another cache key, Origin Shield."""

from __future__ import annotations

from dataclasses import dataclass

from perfctl.cdn.regions import REGIONS
from perfctl.cdn.simulating.queries import ANYTHING, QueryRule
from perfctl.errors import UsageError

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Wanted:
    """TTLs to compare, and what else shall be other in all of these."""

    ttls_seconds: tuple[float, ...] = ()
    patterns: tuple[tuple[str, float], ...] = ()
    """Path patterns and their TTL in seconds; the first that matches counts."""
    min_ttl_seconds: float = 0.0
    max_ttl_seconds: float | None = None
    query: QueryRule = ANYTHING
    ignores_cookies: bool = False
    shield: str | None = None
    """A region, or AUTO for the one with the most requests."""


def checked_region(name: str | None) -> str | None:
    """A region that can hold Origin Shield, AUTO or None. UsageError with those that there are."""
    if name is None or name == AUTO or name in REGIONS:
        return name
    raise UsageError(f"--shield: {name!r} is no region of a Shield", hint=", ".join((AUTO, *REGIONS)), where="--shield")
