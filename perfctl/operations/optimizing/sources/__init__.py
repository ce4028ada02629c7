"""Where findings come from: one file each, one row each.

A file has `async def look(asked: Asked) -> Sequence[Found]`. An index advisor or a rewriter becomes a row here.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from perfctl.operations.optimizing.asked import Look, Source

SOURCES: Mapping[str, Source] = {
    "statements": Source("database", "plans of the slowest statements"),
    "foreign_keys": Source("database", "foreign keys without an index"),
    "statistics": Source("database", "tables whose statistics are old"),
    "database_checks": Source("database", "the other health checks of the database"),
    "pool": Source("database", "the size of the connection pool"),
    "redis": Source("cache", "memory and settings of Redis"),
    "cache_tier": Source("cache", "the size of the tier in the process"),
    "dictionaries": Source("cache", "compression dictionaries"),
    "ttls": Source("cache", "how long values live, by namespace"),
    "cdn_checks": Source("cdn", "the distribution and its headers"),
    "invalidations": Source("cdn", "what is invalidated, and what that costs"),
    "cdn_logs": Source("cdn", "why requests miss the edge's cache"),
}
"""The sources by name, which are the names of their files."""


def look_of(name: str) -> Look:
    """The file of a source."""
    return cast(Look, importlib.import_module(f"{__name__}.{name}"))
