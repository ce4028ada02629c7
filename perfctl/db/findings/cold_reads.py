"""Most blocks came from the disk, or the system's cache, and not from shared_buffers.

A thousand blocks (8 MB) and half of all; an index scan comes back to the same pages many times and finds them there, so
a third of the time spent waiting says as much. Where reading was timed and took under a tenth of the time, it is told
as info: unless the time is less than reading a block by itself takes, which says that blocks were read ahead (by the
I/O workers of PostgreSQL 18, whose time is not the statement's).
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent, size
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_BLOCKS, MIN_SHARE, MIN_TIME, LONG_TIME = 1_000, 0.5, 0.1, 0.3
READ_MS = 0.002
"""A block from the system's cache: copying 8 kB in a system call of its own takes two microseconds and more."""


def look(study: Study) -> Iterator[Found]:
    """The whole statement, at the node that read most."""
    root = study.report.plan
    if root.buffers is None or root.buffers.read < MIN_BLOCKS:
        return
    touched = root.buffers.hit + root.buffers.read
    share = root.buffers.read / touched
    waited = root.io_read_ms
    was_ahead = share >= MIN_SHARE and waited is not None and waited < READ_MS * root.buffers.read
    timed = waited / study.total_ms if waited and study.total_ms and not was_ahead else None
    if share < MIN_SHARE and (timed or 0.0) < LONG_TIME:
        return
    node = max(study.nodes, key=lambda one: _own_reads(one))
    took = f", {waited:.0f} ms waited for them" if waited else ""
    yield study.found(
        node,
        severity="info" if timed is not None and timed < MIN_TIME else "warning",
        share=min(timed if timed is not None else share * 0.5, 1.0),
        evidence=f"{count(root.buffers.read)} of {count(touched)} blocks ({size(root.buffers.read)}) read from outside"
        f" shared_buffers ({percent(share)}){took}",
        cause="they were not in shared_buffers: the first run, or more data than it holds",
        next_step="run it again: if the reads stay, read fewer blocks (an index, fewer columns and rows) or raise "
        "shared_buffers; if they go, pg_prewarm after a restart",
    )


def _own_reads(node: PlanNode) -> int:
    if node.buffers is None:
        return 0
    return node.buffers.read - sum(child.buffers.read for child in node.children if child.buffers)
