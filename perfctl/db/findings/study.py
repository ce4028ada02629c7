"""A plan under study: what each node read, kept, dropped and took, over all its loops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from perfctl.db.model.plans import FindingSeverity, PlanNode, PlanReport, PlanWorker
from perfctl.db.plans.naming import called

if TYPE_CHECKING:  # a plan without a server needs none of its dataclasses
    from perfctl.db.findings.catalog import Catalog, ForeignKey, TableFacts

SEQ_SCANS = frozenset({"Seq Scan", "Parallel Seq Scan"})
_PASSES_ROWS = frozenset({"Gather", "Gather Merge", "Result", "Subquery Scan", "LockRows", "ProjectSet"})
"""Nodes that hand on what they get, without waiting for all of it."""
_READS_ALL = ("Sort", "Aggregate", "Hash", "SetOp", "Insert", "Update", "Delete", "Merge", "Bitmap Heap Scan")
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_$]*")
_KILO = {"B": 1 / 1024, "kB": 1, "MB": 1024, "GB": 1024**2, "TB": 1024**3}


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found: a finding, how much it explains, and what it is about."""

    severity: FindingSeverity
    share: float
    """Of the statement's work, 0..1: of its time, or of its rows or blocks where time says less."""
    node: str
    evidence: str
    cause: str
    next_step: str
    about: tuple[int, ...] = ()
    """The nodes it is about, by `id`: a finding yields to one that says more of the same node."""
    subject: str | None = None
    """What it is told of once, when not of each node by itself."""


class Study:
    """A plan with its family ties and totals. Rows and blocks are those of all loops and processes."""

    def __init__(self, report: PlanReport, catalog: Catalog | None = None) -> None:
        self.report = report
        self.catalog = catalog
        self._parents: dict[int, PlanNode] = {}
        self.nodes = tuple(self._walk(report.plan))

    def _walk(self, node: PlanNode) -> Iterator[PlanNode]:
        yield node
        for child in node.children:
            self._parents[id(child)] = node
            yield from self._walk(child)

    @cached_property
    def total_ms(self) -> float:
        """The time that everything took: execution, or the root's where that is not said."""
        return max(self.report.execution_ms or 0.0, self.report.plan.total_ms or 0.0)

    @property
    def work(self) -> str:
        """What shares are of: time, or what the planner takes for it."""
        return "time" if self.report.analyzed else "cost"

    def toll(self, dropped: float, share: float) -> str:
        """`12,345 rows dropped, 90 % of the time`; the share alone where nothing was run."""
        return (
            f"{count(dropped)} rows dropped, {percent(share)} of the time"
            if self.report.analyzed
            else (f"{percent(share)} of the cost")
        )

    def parent(self, node: PlanNode) -> PlanNode | None:
        """The node above."""
        return self._parents.get(id(node))

    def above(self, node: PlanNode) -> Iterator[PlanNode]:
        """The nodes above, nearest first."""
        parent = self.parent(node)
        while parent is not None:
            yield parent
            parent = self.parent(parent)

    def under(self, node: PlanNode) -> Iterator[PlanNode]:
        """The node and those under it."""
        yield node
        for child in node.children:
            yield from self.under(child)

    def share(self, node: PlanNode) -> float:
        """The node's own part of the work: of the time, or of the costs where nothing was run."""
        if node.time_share is not None:
            return node.time_share
        if self.report.analyzed:
            return self._block_share(node)
        own = node.total_cost - sum(child.total_cost for child in node.children)
        return min(max(own, 0.0) / (self.report.plan.total_cost or 1.0), 1.0)

    def tree_share(self, node: PlanNode) -> float:
        """The part of the work of the node and those under it."""
        if node.total_ms is not None:
            return min(node.total_ms / self.total_ms, 1.0) if self.total_ms else 0.0
        if self.report.analyzed:  # EXPLAIN (ANALYZE, TIMING OFF)
            return sum(self.share(one) for one in self.under(node))
        return min(node.total_cost / (self.report.plan.total_cost or 1.0), 1.0)

    def _block_share(self, node: PlanNode) -> float:
        """Rows that passed, of all rows that passed anywhere: time was not measured."""
        everything = sum(self.read(one) for one in self.nodes)
        return self.read(node) / everything if everything else 0.0

    def kept(self, node: PlanNode) -> float:
        """Rows that came out, all loops."""
        return (node.actual_rows or 0.0) * (node.loops or 0.0)

    def dropped(self, node: PlanNode) -> float:
        """Rows that its filter dropped, all loops."""
        return (node.rows_removed_by_filter or 0.0) * (node.loops or 0.0)

    def read(self, node: PlanNode) -> float:
        """Rows that it looked at, all loops."""
        rechecked = (node.rows_removed_by_recheck or 0.0) * (node.loops or 0.0)
        return self.kept(node) + self.dropped(node) + rechecked

    def blocks(self, node: PlanNode) -> int:
        """Blocks that the node itself touched; 0 where nobody counted."""
        if node.buffers is None:
            return 0
        below = sum(child.buffers.hit + child.buffers.read for child in node.children if child.buffers)
        return max(node.buffers.hit + node.buffers.read - below, 0)

    def temporary(self, node: PlanNode) -> int:
        """Blocks of temporary files that the node itself read and wrote."""
        if node.buffers is None:
            return 0
        below = sum(child.buffers.temp_read + child.buffers.temp_written for child in node.children if child.buffers)
        return max(node.buffers.temp_read + node.buffers.temp_written - below, 0)

    def processes(self, node: PlanNode) -> float:
        """The workers and the leader that shared the node's work; 1 where it was not parallel."""
        gather = next((one for one in self.above(node) if one.node_type in ("Gather", "Gather Merge")), None)
        return 1.0 + (gather.workers_launched or 0) if gather else 1.0

    def is_whole_walk(self, node: PlanNode) -> bool:
        """Whether an index is read in its order from an end; `id IS NOT NULL` is how min(id) is looked for."""
        return node.node_type.startswith(("Index Scan", "Index Only Scan")) and (
            not node.index_condition or node.index_condition.endswith(" IS NOT NULL)")
        )

    def repeats(self, node: PlanNode) -> float:
        """How often it was begun anew: loops, less the processes that shared one."""
        return max((node.loops or 0.0) / self.processes(node), 0.0)

    def limit_over(self, node: PlanNode) -> PlanNode | None:
        """The Limit that stops the node when it has enough; None where a node between them wants all rows."""
        below = node
        for above in self.above(node):
            if above.node_type == "Limit":
                return above
            passes = above.node_type in _PASSES_ROWS or (
                above.node_type.startswith(("Nested Loop", "Append", "Merge Append")) and below is above.children[0]
            )
            if not passes:
                return None
            below = above
        return None

    def may_stop_early(self, node: PlanNode) -> bool:
        """Whether a node above may have had enough before the node came to its end.

        A Limit, a join whose other side ended or was empty, EXISTS: fewer rows than expected are no wrong estimate.
        """
        below = node
        for above in self.above(node):
            if below.parent_relationship in ("InitPlan", "SubPlan"):
                return True
            if above.join_type is not None or above.node_type == "Limit":
                return True
            if above.node_type.endswith(_READS_ALL):
                return False
            below = above
        return below.parent_relationship in ("InitPlan", "SubPlan")

    def each_process(self, node: PlanNode) -> tuple[PlanNode | PlanWorker, ...]:
        """The node as the leader ran it, and what each worker did of it: their sorts and hashes are their own."""
        return (node, *node.workers)

    def table(self, node: PlanNode) -> TableFacts | None:
        """What the catalog has of the node's relation."""
        return self.catalog.table(node.relation, node.schema) if self.catalog else None

    def name(self, node: PlanNode) -> str:
        """The node's table as SQL writes it, with its schema where that is known."""
        table = self.table(node)
        schema = table.schema if table else node.schema
        words = [word for word in (schema, node.relation) if word]
        return ".".join(map(identifier, words)) or "the table"

    def parent_table(self, table: TableFacts) -> TableFacts | None:
        """The partitioned table that a partition is of."""
        return self.catalog.table(table.parent) if self.catalog and table.parent else None

    def foreign_key(self, name: str) -> ForeignKey | None:
        """The foreign key of that name."""
        keys = self.catalog.foreign_keys if self.catalog else ()
        return next((key for key in keys if key.name == name), None)

    def has_extension(self, name: str) -> bool:
        """Whether the server is known to have it."""
        return self.catalog is not None and name in self.catalog.extensions

    def setting_kb(self, name: str) -> float | None:
        """A memory setting that differs from its default, in kB; None where the plan does not say it."""
        return kilobytes(self.report.settings.get(name))

    @property
    def page_cost(self) -> float:
        """What the planner takes for a page in sequence: seq_page_cost, 1 by default."""
        try:
            return max(float(self.report.settings.get("seq_page_cost", "1")), 0.001)
        except ValueError:
            return 1.0

    def label(self, node: PlanNode) -> str:
        """`Seq Scan on trades t`, `Index Scan using trades_pkey on trades`, `Hash Join`."""
        return called(node)

    def found(
        self,
        node: PlanNode,
        *,
        severity: FindingSeverity,
        share: float,
        evidence: str,
        cause: str,
        next_step: str,
        about: tuple[PlanNode, ...] = (),
        subject: str | None = None,
    ) -> Found:
        """A finding about the node, and about others that it explains as well."""
        return Found(
            severity=severity,
            share=share,
            node=self.label(node),
            evidence=evidence,
            cause=cause,
            next_step=next_step,
            about=tuple(id(one) for one in (node, *about)),
            subject=subject,
        )


def identifier(name: str) -> str:
    """A name as SQL writes it, in quotes where it needs them.

    >>> identifier("orders"), identifier("Orders")
    ('orders', '"Orders"')
    """
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def kilobytes(text: str | None) -> float | None:
    """A memory setting as PostgreSQL writes it, in kB.

    >>> kilobytes("64MB")
    65536.0
    """
    if text is None:
        return None
    number = text.rstrip("BkMGT")
    unit = text[len(number) :] or "kB"
    try:
        return float(number) * _KILO[unit]
    except (ValueError, KeyError):
        return None


def count(number: float) -> str:
    """A count for eyes: 12,345.

    >>> count(12345.0)
    '12,345'
    """
    return f"{number:,.0f}"


def plural(number: float, word: str) -> str:
    """`1 row`, `12,345 rows`."""
    return f"{count(number)} {word}{'' if round(number) == 1 else 's'}"


def percent(share: float) -> str:
    """A share for eyes: 85 %."""
    return f"{share * 100:.0f} %"


def size(blocks: float) -> str:
    """Blocks of 8 kB as kB, MB or GB."""
    kilo = blocks * 8
    return (
        f"{kilo:.0f} kB" if kilo < 1024 else f"{kilo / 1024:.0f} MB" if kilo < 1024**2 else f"{kilo / 1024**2:.1f} GB"
    )
