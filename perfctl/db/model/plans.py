"""A plan: its nodes, what they cost and touched, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Buffers:
    """Blocks of 8 kB that a node and those under it touched."""

    hit: int = 0
    read: int = 0
    dirtied: int = 0
    written: int = 0
    temp_read: int = 0
    temp_written: int = 0


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One step of a plan; times and rows that were not measured are None."""

    node_type: str
    relation: str | None
    alias: str | None
    index: str | None
    join_type: str | None
    strategy: str | None
    parent_relationship: str | None
    subplan_name: str | None
    plan_rows: float
    """What the planner expected, per loop."""
    actual_rows: float | None
    """What came out, per loop (and per worker)."""
    loops: float | None
    """How often it ran; 0: never."""
    row_error: float | None
    """How many times more or fewer rows came than were expected: 1 is right. None where a LIMIT stopped the node."""
    startup_cost: float
    total_cost: float
    width_bytes: int
    total_ms: float | None
    """Elapsed time of the node and those under it, all loops, workers side by side."""
    self_ms: float | None
    """Elapsed time of the node alone."""
    time_share: float | None
    """`self_ms` of the execution time, 0..1."""
    buffers: Buffers | None
    filter: str | None
    """The condition that rows were dropped by, after they were read."""
    condition: str | None
    """The condition of the index, hash or merge that found them."""
    rows_removed: float | None
    """Rows that the filter dropped, per loop."""
    sort_key: tuple[str, ...]
    sort_method: str | None
    sort_space_kb: int | None
    hash_batches: int | None
    workers_planned: int | None
    workers_launched: int | None
    children: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class PlanTrigger:
    """A trigger that fired, and the time in it."""

    name: str
    relation: str | None
    calls: float
    time_ms: float


@dataclass(frozen=True, slots=True)
class PlanReport:
    """A statement's plan, with what was measured when it ran."""

    sql: str
    analyzed: bool
    """Whether the statement was run; without, there are estimates alone."""
    is_generic: bool
    """Whether the plan is for any value of `$1`, `$2` ...: such a text cannot be run."""
    planning_ms: float | None
    execution_ms: float | None
    settings: dict[str, str]
    """The server's settings that differ from their default and sway the planner."""
    triggers: tuple[PlanTrigger, ...]
    plan: PlanNode
