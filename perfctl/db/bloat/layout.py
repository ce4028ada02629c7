"""How PostgreSQL lays out rows and pages (src/include/access/htup_details.h, itup.h; storage/bufpage.h). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PAGE_HEADER = 24
LINE_POINTER = 4
ALIGNMENT = 8
_SHORT_VARLENA = 127
"""A value of up to so many bytes has a header of one byte, and needs no alignment."""
_ALIGNMENTS = {"c": 1, "s": 2, "i": 4, "d": 8}


@dataclass(frozen=True, slots=True)
class ColumnWidth:
    """A column as the statistics know it."""

    length: int
    """Bytes of a fixed length; negative: it varies."""
    alignment: str
    """pg_type.typalign: c, s, i or d."""
    average_bytes: float
    """pg_stats.avg_width: of those that are not NULL."""
    null_share: float


def data_bytes(columns: Sequence[ColumnWidth]) -> tuple[float, bool]:
    """The expected bytes of a row's values with their padding, and whether every row has exactly so many."""
    offset, is_exact = 0.0, True
    for column in columns:
        is_fixed = column.length > 0
        padded = _padding(offset, column, is_exact)
        width = float(column.length) if is_fixed else column.average_bytes
        present = 1.0 - column.null_share
        offset += (padded + width) * present
        is_exact = is_exact and is_fixed and column.null_share == 0.0
    return offset, is_exact


def aligned(size: float, *, is_exact: bool) -> float:
    """The size rounded up to the machine's alignment; where it varies, what that costs on average."""
    if is_exact:
        return float(-(-int(size) // ALIGNMENT) * ALIGNMENT)
    return size + (ALIGNMENT - 1) / 2


def _padding(offset: float, column: ColumnWidth, is_exact: bool) -> float:
    align = _ALIGNMENTS.get(column.alignment, 1)
    if align == 1 or (column.length <= 0 and column.average_bytes < _SHORT_VARLENA):
        return 0.0
    return float(-int(offset) % align) if is_exact else (align - 1) / 2
