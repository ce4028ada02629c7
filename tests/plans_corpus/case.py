"""One plan to make: a statement, what is set and done before it, and what is planted in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Case:
    """A statement on one of the seeded schemas."""

    code: str
    """The planted cause; of a healthy plan the cause that it looks like, or what it shows."""
    name: str
    sql: str
    settings: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    """Run in the same session first, and undone with it where a transaction can."""
    versions: tuple[int, ...] = (15, 18)
    is_cold: bool = False
    """Run straight after a restart, with nothing in shared_buffers."""
