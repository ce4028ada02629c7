"""The query cache: rows of reads that were asked before, forgotten when a table behind them is written to."""

from __future__ import annotations

from perfctl.db.querycache.cache import QueryCache
from perfctl.db.querycache.local import LocalRowStore
from perfctl.db.querycache.store import RowStore, Shelf

__all__ = ["LocalRowStore", "QueryCache", "RowStore", "Shelf"]
