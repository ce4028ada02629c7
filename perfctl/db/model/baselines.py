"""A stored baseline: what the workload's plans were like when somebody was content with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """How much a table held."""

    name: str
    """`schema.table`."""
    rows: float
    """As the planner reckons: rows a page at the last ANALYZE, by the pages that are there."""
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How often a plan reads a relation in one way."""

    relation: str
    is_sequential: bool
    indexes: tuple[str, ...]
    """The indexes that were used; empty for a sequential scan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedQuery:
    """One statement of the workload, and its plan in short."""

    fingerprint: str
    query: str
    is_generic: bool
    """Whether the plan is for any value of `$1`."""
    cost: float
    buffers: int | None
    """Blocks of the buffer cache that it touched; None where it was not run."""
    temp_blocks: int | None
    rows: float
    shape: str
    """Every node with its relation and index, indented: two plans that do the same have the same."""
    accesses: tuple[Access, ...]
    error: str | None = None
    """Why there is no plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A workload's plans, and the sizes of the tables that they read."""

    listing: ClassVar[str] = "queries"

    version: int
    """Of this file's form."""
    recorded_at: datetime
    server_version: str
    database: str
    settings: dict[str, str]
    """What sways the planner and is not as by default."""
    tables: tuple[TableSize, ...]
    queries: tuple[PlannedQuery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRecorded:
    """What was written."""

    listing: ClassVar[str] = "queries"

    path: str
    database: str
    measured: int
    """How many were run, so that their buffers are known."""
    unplanned: int
    """How many have no plan; each says why."""
    tables: int
    queries: tuple[PlannedQuery, ...]
