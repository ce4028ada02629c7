"""How long a stored value lives: its own life from the header, the server's time to live around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from perfctl.cache.clock import EPOCH_MS

if TYPE_CHECKING:
    from perfctl.cache.values.meta import Meta


class Life(NamedTuple):
    """What is left, in ms."""

    ttl_ms: int | None
    """Of its own life; None: it never expires; 0: it is over."""
    stale_ms: int
    """How long it stands in after that."""

    @property
    def is_over(self) -> bool:
        """Whether it is past its life, and kept as a reserve."""
        return self.ttl_ms == 0

    @property
    def ttl_seconds(self) -> float | None:
        """None: never expires."""
        return None if self.ttl_ms is None else self.ttl_ms / 1000

    @property
    def stale_seconds(self) -> float | None:
        """None: no reserve."""
        return self.stale_ms / 1000 if self.stale_ms else None


def life_of(meta: Meta, server_ms: int | None, now_ms: int) -> Life:
    """What is left of a value's life, when the server keeps it for `server_ms` more (None: for ever).

    A value of the first release says nothing of its own, and one whose life slides says less than the server.
    """
    if meta.created_ms == EPOCH_MS or meta.sliding or meta.fresh_ms is None:
        return Life(server_ms, 0)
    own = max(0, meta.created_ms + meta.fresh_ms - now_ms)
    if server_ms is None:
        return Life(own, 0)
    own = min(own, server_ms)
    return Life(own, max(0, server_ms - own) if server_ms - own > _ROUNDING_MS else 0)


_ROUNDING_MS = 1000
"""The clocks of two machines differ by so much: no reserve is as short."""
