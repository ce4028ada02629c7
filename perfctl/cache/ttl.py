"""How long a value lives: what callers write, in the milliseconds that a server wants."""

from __future__ import annotations

from math import inf

from perfctl.errors import UsageError
from perfctl.units import parse_duration

FOREVER = inf
"""The TTL of a value that only eviction ends."""

LONGEST_SECONDS = 100 * 365 * 86400.0
"""What is longer is for ever."""


def ttl_ms(ttl: float | None, *, default: float) -> int | None:
    """Milliseconds of a TTL in seconds; None for FOREVER. UsageError for what is not above 0.

    >>> ttl_ms(1.5, default=60), ttl_ms(None, default=60), ttl_ms(FOREVER, default=60)
    (1500, 60000, None)
    """
    seconds = default if ttl is None else ttl
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise UsageError(f"ttl: {seconds!r} is not a number of seconds above 0", hint="leave it out for the default")
    return None if seconds > LONGEST_SECONDS else max(1, round(seconds * 1000))


def ttl_seconds(ttl: str | float | None, *, where: str) -> float | None:
    """A TTL as it was written, in seconds: a number, `10m`, or `never`; None where nothing was. UsageError names
    `where`.

    >>> ttl_seconds("10m", where="--ttl"), ttl_seconds(90, where="ttl"), ttl_seconds("never", where="ttl")
    (600.0, 90.0, inf)
    """
    if ttl is None:
        return None
    if ttl == "never":
        return FOREVER
    seconds = parse_duration(ttl, where=where) if isinstance(ttl, str) else float(ttl)
    if not seconds > 0:
        raise UsageError(
            f"{where}: {ttl!r} is not above 0", hint="write 'never' for a value that does not expire", where=where
        )
    if seconds > LONGEST_SECONDS:
        raise UsageError(f"{where}: {ttl!r} is more than 100 years", hint="write 'never'", where=where)
    return seconds
