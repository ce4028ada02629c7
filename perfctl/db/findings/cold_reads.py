"""Most blocks came from the disk, or the system's cache, and not from shared_buffers.

Half of them, and a thousand (8 MB). Where reading was timed and took under a tenth of the time, it is told as info.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent, size
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_BLOCKS, MIN_SHARE, MIN_TIME = 1_000, 0.5, 0.1


def look(study: Study) -> Iterator[Found]:
    """The whole statement, at the node that read most."""
    root = study.report.plan
    if root.buffers is None or root.buffers.read < MIN_BLOCKS:
        return
    touched = root.buffers.hit + root.buffers.read
    share = root.buffers.read / touched
    if share < MIN_SHARE:
        return
    node = max(study.nodes, key=lambda one: _own_reads(one))
    waited = root.io_read_ms
    timed = waited / study.total_ms if waited and study.total_ms else None
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
