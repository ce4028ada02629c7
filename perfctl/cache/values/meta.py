"""What a stored value says of itself besides the value: when it was written, how long it is fresh, what clears it."""

from __future__ import annotations

from typing import NamedTuple


class Meta(NamedTuple):
    """Written by the engine into each blob's header; immutable (`meta._replace(...)` gives a changed one).

    A value is valid while `version` is its namespace's version and each tag's version is that tag's. It may lie on
    the server longer than it is fresh: that reserve stands in when nothing better can be had.
    """

    created_ms: int
    """Unix time of the writer, in ms; at least 2020, at most 34 years later."""
    fresh_ms: int | None
    """How long it is fresh from then on, from 49 days up in whole seconds; None: it never expires."""
    version: int = 0
    """The namespace's 32-bit version at writing."""
    tags: tuple[tuple[str, int], ...] = ()
    """Each tag with its 32-bit version at writing."""
    sliding: bool = False
    """Whether a read starts its life anew."""
    etag: str | None = None
    """What its source called this state of it, for a conditional refresh."""

    def is_fresh(self, now_ms: int) -> bool:
        """Whether it is within its life at a moment in Unix ms."""
        return self.fresh_ms is None or now_ms < self.created_ms + self.fresh_ms
