"""How many pages a table would need if it held its live rows and nothing else. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfctl.db.bloat.layout import LINE_POINTER, PAGE_HEADER, ColumnWidth, aligned, data_bytes

_ROW_HEADER = 23


def row_bytes(columns: Sequence[ColumnWidth]) -> float:
    """A row with its header, padding and line pointer."""
    data, is_exact = data_bytes(columns)
    return aligned(_header(columns) + data, is_exact=is_exact) + LINE_POINTER


def needed_pages(rows: float, columns: Sequence[ColumnWidth], *, page_bytes: int, fillfactor: int = 100) -> float:
    """Pages for so many rows, each page filled up to the fill factor."""
    size = row_bytes(columns)
    room = (page_bytes - PAGE_HEADER) * fillfactor / 100
    a_page = max(math.floor(room / size), 1) if size <= room else room / size
    return math.ceil(rows / a_page) if rows > 0 else 0


def _header(columns: Sequence[ColumnWidth]) -> float:
    """A row that has a NULL carries a bit for each column; the header is aligned."""
    without = float(math.ceil(_ROW_HEADER / 8) * 8)
    with_bits = float(math.ceil((_ROW_HEADER + math.ceil(len(columns) / 8)) / 8) * 8)
    none_is_null = math.prod(1.0 - column.null_share for column in columns)
    return without * none_is_null + with_bits * (1.0 - none_is_null)
