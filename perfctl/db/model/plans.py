"""A plan: its nodes, what they cost and touched, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

FindingSeverity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Buffers:
    """Blocks of 8 kB that a node and those under it touched, shared and local ones together."""

    hit: int = 0
    read: int = 0
    dirtied: int = 0
    written: int = 0
    temp_read: int = 0
    temp_written: int = 0


@dataclass(frozen=True, slots=True)
class SortGroups:
    """What an incremental sort did with its groups: the full sorts, or those of rows that were sorted in part."""

    kind: Literal["full", "presorted"]
    groups: int
    methods: tuple[str, ...]
    average_memory_kb: int | None = None
    peak_memory_kb: int | None = None
    average_disk_kb: int | None = None
    peak_disk_kb: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWorker:
    """What one parallel worker did in a node; None where the plan does not say."""

    number: int
    actual_startup_ms: float | None = None
    actual_total_ms: float | None = None
    actual_rows: float | None = None
    loops: float | None = None
    buffers: Buffers | None = None
    sort_method: str | None = None
    sort_space_kb: int | None = None
    sort_space_type: str | None = None
    sort_groups: tuple[SortGroups, ...] = ()
    hashagg_batches: int | None = None
    peak_memory_kb: int | None = None
    disk_usage_kb: int | None = None
    cache_hits: int | None = None
    cache_misses: int | None = None
    cache_evictions: int | None = None
    cache_overflows: int | None = None
    exact_heap_blocks: int | None = None
    lossy_heap_blocks: int | None = None


@dataclass(frozen=True, slots=True)
class PlanDetail:
    """Something that EXPLAIN says of a node and that has no field here: a foreign server's own lines, say."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One step of a plan; times and rows that were not measured are None."""

    node_type: str
    """As EXPLAIN's text has it: `Parallel Seq Scan`, `Hash Left Join`, `HashAggregate`, `Update`."""
    relation: str | None
    """The table, or the CTE, that it reads or writes."""
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
    """Rows that its conditions dropped, per loop, whichever condition it was."""
    sort_key: tuple[str, ...]
    sort_method: str | None
    sort_space_kb: int | None
    hash_batches: int | None
    workers_planned: int | None
    workers_launched: int | None
    children: tuple[PlanNode, ...]

    schema: str | None = None
    """The relation's schema; EXPLAIN says it with VERBOSE alone."""
    function: str | None = None
    """The function that a scan reads."""
    operation: str | None = None
    """What a node that writes does: Insert, Update, Delete, Merge; Select of a foreign scan."""
    command: str | None = None
    """What a SetOp does: Intersect, Intersect All, Except, Except All."""
    partial_mode: str | None = None
    """Simple, Partial or Finalize, of an aggregate."""
    scan_direction: str | None = None
    parallel_aware: bool = False
    async_capable: bool = False
    disabled: bool = False
    """PostgreSQL 18: the node is of a kind that a setting switches off, and nothing else would do."""
    single_copy: bool = False
    inner_unique: bool | None = None
    """At most one inner row matches; text says it with VERBOSE alone."""
    actual_startup_ms: float | None = None
    """Time to the first row, per loop."""
    actual_total_ms: float | None = None
    """Time to the last row, per loop."""

    index_condition: str | None = None
    recheck_condition: str | None = None
    hash_condition: str | None = None
    merge_condition: str | None = None
    tid_condition: str | None = None
    join_filter: str | None = None
    one_time_filter: str | None = None
    run_condition: str | None = None
    order_by: str | None = None
    """What a nearest-neighbour index scan is ordered by."""
    rows_removed_by_filter: float | None = None
    rows_removed_by_join_filter: float | None = None
    rows_removed_by_recheck: float | None = None
    rows_removed_by_conflict: float | None = None
    heap_fetches: float | None = None
    """Visits of the table by an index-only scan, all loops."""
    index_searches: float | None = None
    """Descents of the index, all loops (PostgreSQL 18)."""
    exact_heap_blocks: int | None = None
    lossy_heap_blocks: int | None = None

    group_key: tuple[str, ...] = ()
    grouping_sets: tuple[str, ...] = ()
    """Each as EXPLAIN's text has it: `Group Key: a, b`, `Hash Key: c`, `Group Key: ()`."""
    presorted_key: tuple[str, ...] = ()
    sort_space_type: str | None = None
    """Memory or Disk."""
    sort_groups: tuple[SortGroups, ...] = ()
    hash_buckets: int | None = None
    original_hash_buckets: int | None = None
    original_hash_batches: int | None = None
    peak_memory_kb: int | None = None
    disk_usage_kb: int | None = None
    planned_partitions: int | None = None
    hashagg_batches: int | None = None
    cache_key: str | None = None
    cache_mode: str | None = None
    cache_hits: int | None = None
    cache_misses: int | None = None
    cache_evictions: int | None = None
    cache_overflows: int | None = None
    storage: str | None = None
    """Where a materialised result lay: Memory or Disk (PostgreSQL 18)."""
    maximum_storage_kb: int | None = None
    window: str | None = None
    """The window's definition (PostgreSQL 18)."""
    subplans_removed: int = 0
    """Partitions that were pruned when it began to run."""
    params_evaluated: tuple[str, ...] = ()

    conflict_resolution: str | None = None
    conflict_arbiter_indexes: tuple[str, ...] = ()
    conflict_filter: str | None = None
    conflicting_tuples: float | None = None
    tuples_inserted: float | None = None
    tuples_updated: float | None = None
    tuples_deleted: float | None = None
    tuples_skipped: float | None = None

    wal_records: int | None = None
    """None where nothing was written to the WAL, or nobody asked."""
    wal_fpi: int | None = None
    wal_bytes: int | None = None
    io_read_ms: float | None = None
    """Time reading blocks, all loops and workers added up; None where none was measured."""
    io_write_ms: float | None = None
    temp_io_read_ms: float | None = None
    temp_io_write_ms: float | None = None

    output: tuple[str, ...] = ()
    """The columns that it hands up (VERBOSE)."""
    remote_sql: str | None = None
    function_call: str | None = None
    """The call that a function scan makes (VERBOSE)."""
    sampling: str | None = None
    """`system ('10'::real)`"""
    target_tables: tuple[str, ...] = ()
    """The tables that a node writes, where it writes several: partitions."""
    workers: tuple[PlanWorker, ...] = ()
    other: tuple[PlanDetail, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanTrigger:
    """A trigger that fired, and the time in it."""

    name: str
    """The constraint's name where it guards one."""
    relation: str | None
    calls: float
    time_ms: float


@dataclass(frozen=True, slots=True)
class PlanJit:
    """What compiling the plan's expressions took."""

    functions: int
    generation_ms: float | None = None
    deform_ms: float | None = None
    inlining_ms: float | None = None
    optimization_ms: float | None = None
    emission_ms: float | None = None
    total_ms: float | None = None
    options: tuple[str, ...] = ()
    """What was done: Inlining, Optimization, Expressions, Deforming."""


@dataclass(frozen=True, slots=True)
class PlanSerialization:
    """What making the rows ready to be sent took (EXPLAIN (SERIALIZE), PostgreSQL 17)."""

    format: str
    time_ms: float | None
    output_kb: int
    buffers: Buffers | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a plan, the evidence in it, and what to do next."""

    code: str
    severity: FindingSeverity
    node: str
    """The node that it is about: `Seq Scan on trades t`."""
    evidence: str
    cause: str
    next_step: str


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
    findings: tuple[Finding, ...] = ()
    """What is wrong with it, worst first."""
    jit: PlanJit | None = None
    planning_buffers: Buffers | None = None
    planning_memory_kb: int | None = None
    query_id: str | None = None
    """The server's own identifier of the statement's shape: digits, perhaps with a minus."""
    query_parameters: str | None = None
    """What auto_explain logged for `$1`, `$2` ...: `$1 = '7'`."""
    serialization: PlanSerialization | None = None
    rewritten: str | None = None
    """The statement in a form that is faster and answers the same; None where none is known."""

    @property
    def why_estimates(self) -> str | None:
        """Why a statement that was to be run was not; None where it was."""
        if self.analyzed:
            return None
        if self.is_generic:
            return "it has $1 without a value and was not run: these are estimates for any value"
        return "it ran longer than it may and was stopped: these are estimates alone"


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A property of a node that is not the same in both plans, as texts."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDifference:
    """A node of one plan and the node of the other that does its work; None where there is none."""

    status: Literal["same", "changed", "added", "removed"]
    depth: int
    """How many nodes are above it."""
    before: str | None
    """The node's name in the first plan: `Seq Scan on trades t`."""
    after: str | None
    changes: tuple[NodeChange, ...] = ()
    before_rows: float | None = None
    """Rows that came out, all loops; what was expected where neither plan was run."""
    after_rows: float | None = None
    before_cost: float | None = None
    after_cost: float | None = None
    before_ms: float | None = None
    """Elapsed time of the node alone."""
    after_ms: float | None = None
    before_blocks: int | None = None
    """Blocks that the node itself touched, found or read, temporary ones too."""
    after_blocks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTotals:
    """The figures of a whole plan."""

    total_cost: float
    planning_ms: float | None
    execution_ms: float | None
    nodes: int
    rows: float | None
    blocks_hit: int | None
    blocks_read: int | None
    temp_blocks: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDifference:
    """Two plans, node by node in the order of the second."""

    listing: ClassVar[str] = "nodes"

    is_same: bool
    """Whether every node has its like and none changed in kind, relation, index or condition."""
    before: PlanTotals
    after: PlanTotals
    nodes: tuple[NodeDifference, ...]
    settings: tuple[NodeChange, ...] = ()
    """Settings that differ between the two."""
