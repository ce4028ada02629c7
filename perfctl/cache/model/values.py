"""A value, looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
