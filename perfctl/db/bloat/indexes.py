"""How many pages a B-tree would need if it were built now, duplicates and all. Pure.

From PostgreSQL 13 on a B-tree keeps equal keys once, with a list of the rows (nbtdedup.c): an estimate that does not
know it is 2.45 times too large on average.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from perfctl.db.bloat.layout import LINE_POINTER, PAGE_HEADER, ColumnWidth, aligned, data_bytes

_TUPLE_HEADER = 8
_HEADER_WITH_NULLS = 16
_SPECIAL = 16
"""The B-tree's own bytes at the end of a page."""
_TID = 6
_POSTING_SHARE = 10
"""CREATE INDEX ends a list of rows at a tenth of a page (nbtsort.c)."""
_INNER_FILL = 0.7
LEAF_FILLFACTOR = 90


@dataclass(frozen=True, slots=True)
class Keys:
    """What the keys of an index are like."""

    columns: tuple[ColumnWidth, ...]
    distinct: float
    """How many different keys there are among those that are not NULL."""
    common: tuple[float, ...] = ()
    """The shares of the most common keys, where they are known."""
    is_deduplicated: bool = True


def needed_pages(rows: float, keys: Keys, *, page_bytes: int, fillfactor: int = LEAF_FILLFACTOR) -> float:
    """Leaf pages filled up to the fill factor, the pages above them, and the first, which describes the index."""
    if rows <= 0:
        return 1.0
    tuple_bytes = key_bytes(keys.columns)
    leaf_bytes = _leaf_bytes(rows, keys, tuple_bytes, page_bytes)
    room = (page_bytes - PAGE_HEADER - _SPECIAL) * fillfactor / 100
    leaves = max(math.ceil(leaf_bytes / room), 1)
    return leaves + _inner_pages(leaves, tuple_bytes, page_bytes) + 1


def key_bytes(columns: Sequence[ColumnWidth]) -> float:
    """An entry with its header and padding, without its line pointer."""
    data, is_exact = data_bytes(columns)
    none_is_null = math.prod(1.0 - column.null_share for column in columns)
    header = _TUPLE_HEADER * none_is_null + _HEADER_WITH_NULLS * (1.0 - none_is_null)
    return aligned(header + data, is_exact=is_exact and none_is_null == 1.0)


def _leaf_bytes(rows: float, keys: Keys, tuple_bytes: float, page_bytes: int) -> float:
    if not keys.is_deduplicated or keys.distinct >= rows:
        return rows * (tuple_bytes + LINE_POINTER)
    nulls = math.prod((column.null_share for column in keys.columns), start=1.0)
    shares = list(keys.common)
    rest_share = max(1.0 - nulls - sum(shares), 0.0)
    rest = max(keys.distinct - len(shares), 1.0)
    total = sum(_group_bytes(rows * share, tuple_bytes, page_bytes) for share in shares)
    if nulls:
        total += _group_bytes(rows * nulls, float(_HEADER_WITH_NULLS), page_bytes)
    return total + rest * _mean_group_bytes(rows * rest_share / rest, tuple_bytes, page_bytes)


def _mean_group_bytes(size: float, tuple_bytes: float, page_bytes: int) -> float:
    """A group of `size` rows on average: between the two whole numbers next to it."""
    if size <= 1.0:
        return size * (tuple_bytes + LINE_POINTER)
    low, part = math.floor(size), size - math.floor(size)
    below, above = (_group_bytes(float(rows), tuple_bytes, page_bytes) for rows in (low, low + 1))
    return below * (1 - part) + above * part


def _group_bytes(rows: float, tuple_bytes: float, page_bytes: int) -> float:
    """The entries of one key: lists of rows of a tenth of a page each, and a last one."""
    if rows <= 1.0:
        return rows * (tuple_bytes + LINE_POINTER)
    longest = page_bytes // _POSTING_SHARE - LINE_POINTER
    a_list = max(math.floor((longest - tuple_bytes) / _TID), 1)
    full, left = divmod(rows, a_list)
    return full * (longest + LINE_POINTER) + _list_bytes(left, tuple_bytes)


def _list_bytes(rows: float, tuple_bytes: float) -> float:
    if rows <= 0:
        return 0.0
    listed = tuple_bytes + _TID * rows if rows > 1 else tuple_bytes
    return math.ceil(listed / 8) * 8 + LINE_POINTER


def _inner_pages(leaves: float, tuple_bytes: float, page_bytes: int) -> float:
    """The levels above the leaves, up to one root."""
    fanout = max((page_bytes - PAGE_HEADER - _SPECIAL) * _INNER_FILL / (tuple_bytes + LINE_POINTER), 2.0)
    total, level = 0.0, leaves
    while level > 1:
        level = math.ceil(level / fanout)
        total += level
    return total
