"""What a preload did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Preloaded:
    """Entries written ahead of the reads."""

    listing: ClassVar[str] = "rows"

    namespace: str
    """Where the entries went; several by commas, where entries name their own."""
    loaded: int
    failed: int
    size_bytes: int | None
    """None where a function wrote them: it does not say."""
    took_ms: float
    rows: tuple[str, ...] = ()
    """The first entries that were not loaded: where each stands, and why."""
    resumed_at: int = 0
    """Entries passed over because an earlier run had loaded them."""
