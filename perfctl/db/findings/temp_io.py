"""The statement wrote temporary files.

What a sort, hash or aggregate spilled is told there; here it is told of what else spills (CTEs, materialised rows,
window frames, functions), and of 16 MB and more of files whoever wrote them: that is disk traffic which others feel.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, size
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_BLOCKS, MANY_BLOCKS = 256, 2_048
_TOLD = ("Sort", "Incremental Sort", "Hash", "HashAggregate")


def look(study: Study) -> Iterator[Found]:
    """The whole statement, at the node that wrote most."""
    wrote = [(study.temporary(node), node) for node in study.nodes]
    everything = sum(blocks for blocks, _ in wrote)
    if not everything:
        return
    _, node = max(wrote, key=lambda one: one[0])
    untold = sum(some for some, one in wrote if not _is_told(one))
    if untold < MIN_BLOCKS and everything < MANY_BLOCKS:
        if everything >= MIN_BLOCKS:
            yield _found(study, node, everything, "info")
        return
    yield _found(study, node, everything, "warning")


def _is_told(node: PlanNode) -> bool:
    return node.node_type.endswith(_TOLD) or "Hash" in node.node_type


def _found(study: Study, node: PlanNode, blocks: int, severity: str) -> Found:
    share = study.share(node)
    return study.found(
        node,
        severity="warning" if severity == "warning" else "info",
        share=share * 0.5,  # a sum: the spill itself stands before it
        evidence=f"{size(blocks)} of temporary files written and read, most by this node",
        cause="rows that had to be kept did not fit into work_mem",
        next_step="keep fewer rows or columns at that node, or SET LOCAL work_mem for this statement; "
        "log_temp_files shows how often it happens",
    )
