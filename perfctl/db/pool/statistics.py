"""What a pool holds now, and what it did since it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from perfctl.recording.registry import Recorder

Closing = Literal["idle", "age", "broken", "unrepaired", "unpooled", "end"]
"""Lay idle for long; grew old; broke; something was left in it; each call had its own; the pool was closed."""


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """Connections now, and counts since the pool was made."""

    in_use: int
    idle: int
    waiting: int
    created: int
    closed: int
    waits: int
    """How often a caller had to wait for a connection."""
    wait_ms: float = 0.0
    """How long all of them waited together."""
    connecting: int = 0
    reset: int = 0
    """How often something that a caller left behind was taken back."""
    retried: int = 0
    """Reads that were asked again when their connection broke."""
    statement_hits: int = 0
    """Statements that were prepared on their connection already."""
    statement_misses: int = 0
    closed_for: Mapping[str, int] = field(default_factory=dict)
    """How many connections were closed, by reason."""


@dataclass(slots=True)
class Counts:
    """The counts behind it, added up while the pool works."""

    created: int = 0
    waits: int = 0
    wait_seconds: float = 0.0
    reset: int = 0
    retried: int = 0
    closed: Counter[Closing] = field(default_factory=Counter)
    waited: Recorder = field(default_factory=Recorder)
    """How long each caller waited who had to."""
