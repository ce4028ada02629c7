"""What `cache dict` answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class DictionaryRow:
    """One zstd dictionary on the server."""

    namespace: str
    id: str
    size_bytes: int
    samples: int
    """Values that it was trained of."""
    ratio: float
    """What it left of values that it was not trained of, as a share."""
    plain_ratio: float
    """What zstd without a dictionary left of them."""
    is_current: bool
    """Whether new values are written with it; values of the others are still read."""
    created: str
    ttl_seconds: float | None
    """How long the server keeps it unless a process renews it; None for ever."""


@dataclass(frozen=True, slots=True)
class DictionaryListing:
    """The dictionaries of one namespace or of all, by namespace, the newest first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[DictionaryRow, ...]
    namespace: str | None = None
    """Where it was looked; None: in all."""


@dataclass(frozen=True, slots=True)
class DictionaryTraining:
    """What came of training a dictionary of the values that lie in a namespace."""

    namespace: str
    samples: int
    """Values that were looked at."""
    pays: bool
    """Whether it leaves a tenth less than zstd alone."""
    is_stored: bool
    """Whether new values are written with it from now on."""
    dry_run: bool
    id: str | None = None
    size_bytes: int | None = None
    ratio: float | None = None
    plain_ratio: float | None = None
    reason: str | None = None
    """Why it does not pay."""
