"""How long a value lives: what callers write, in the milliseconds that a server wants."""

from __future__ import annotations

from math import inf

from perfctl.errors import UsageError

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
