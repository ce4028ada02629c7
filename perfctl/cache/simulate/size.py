"""The sizes of a simulated cache as people write them: `5000`, `1%`, `64MB`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from perfctl.errors import UsageError

_UNITS: Mapping[str, int] = {
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
_MOST = 10**18
LADDER = ("0.1%", "0.2%", "0.5%", "1%", "2%", "5%", "10%", "20%", "50%")
"""The sizes of a curve where none are named."""


class Size(NamedTuple):
    """A size as it was written, and what it means: an amount of entries or bytes, or a share of the unique keys."""

    text: str
    amount: Fraction
    unit: str
    """`entries`, `bytes`, or `%`."""

    def capacity(self, unique_keys: int) -> int:
        """Entries or bytes; a share is rounded to the nearest entry, and comes to one at least."""
        whole = self.amount * unique_keys / 100 if self.unit == "%" else self.amount
        return max(1, round(whole))


def parse_size(text: str) -> Size:
    """A size. UsageError for what is none.

    >>> parse_size("1%").capacity(13756)
    138
    >>> parse_size("64MB").capacity(13756)
    64000000
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|[a-z]*)", text.strip(), re.IGNORECASE | re.ASCII)
    unit = match.group(2).lower() if match else ""
    if match is None or (unit and unit != "%" and unit not in _UNITS) or (not unit and "." in match.group(1)):
        raise UsageError(
            f"--size: {text!r} is no size", hint="entries (5000), a share of the keys (1%), or bytes (64MB)"
        )
    amount = Fraction(match.group(1)) * _UNITS.get(unit, 1)
    if not 0 < amount <= _MOST:
        raise UsageError(f"--size: {text!r} is not above 0" if not amount else f"--size: {text!r} is too large")
    return Size(text, amount, "bytes" if unit in _UNITS else unit or "entries")


def ladder(unique_keys: int) -> tuple[Size, ...]:
    """The sizes of a curve over so many keys: those of LADDER that differ, and hold two entries or more."""
    found: dict[int, Size] = {}
    for text in LADDER:
        size = parse_size(text)
        found.setdefault(size.capacity(unique_keys), size)
    found.pop(1, None)
    return tuple(found.values()) or (parse_size("100%"),)
