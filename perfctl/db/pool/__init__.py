"""The connection pool: grown on demand, given back clean, found again after a restart, and never lost."""

from __future__ import annotations

from perfctl.db.pool.pool import ConnectionPool
from perfctl.db.pool.statistics import PoolStatistics

__all__ = ["ConnectionPool", "PoolStatistics"]
