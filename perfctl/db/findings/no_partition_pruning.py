"""Every partition is read, and most of it for nothing: the conditions do not fit the partition key.

Four partitions and more of which three in four give nothing, with 5,000 rows dropped, or 32 partitions opened.
Or 32 opened that have some rows each, and four in five of all are dropped: what is wanted is a small part of the table,
and the price of opening partitions is paid for all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_PARTITIONS, EMPTY_SHARE, MIN_DROPPED, MANY_PARTITIONS, MIN_RATIO, MIN_SHARE = 4, 0.75, 5_000, 32, 4.0, 0.2


def look(study: Study) -> Iterator[Found]:
    """Appends over the partitions of one table."""
    for node in study.nodes:
        if not node.node_type.removeprefix("Parallel ").endswith("Append"):
            continue
        scans = [child for child in node.children if child.relation and (child.loops or 0) > 0]
        empty = [scan for scan in scans if not study.kept(scan)]
        dropped, share = sum(map(study.dropped, scans)), study.tree_share(node)
        if len(scans) < MIN_PARTITIONS or not _is_one_table(scans) or share < MIN_SHARE:
            continue
        is_much, are_many = dropped >= MIN_DROPPED, len(scans) >= MANY_PARTITIONS
        in_vain = len(empty) >= EMPTY_SHARE * len(scans) and (is_much or are_many)
        if not in_vain and not (is_much and are_many and dropped >= MIN_RATIO * sum(map(study.kept, scans))):
            continue
        yield _found(study, node, scans, empty, share)


def _found(study: Study, node: PlanNode, scans: list[PlanNode], empty: list[PlanNode], share: float) -> Found:
    table = study.table(scans[0])
    parent = study.parent_table(table) if table else None
    key = f" ({parent.partition_key})" if parent and parent.partition_key else ""
    asked = scans[0].filter or scans[0].index_condition or "the query"
    return study.found(
        node,
        severity="warning",
        share=share,
        evidence=f"{len(scans)} partitions read, {len(empty)} of them for nothing:"
        f" {count(sum(map(study.read, scans)))} rows, {count(sum(map(study.kept, scans)))} kept,"
        f" {percent(share)} of the time",
        cause=f"{asked} says nothing of the partition key{key}, or wraps it in an expression",
        next_step=f"add a condition on the bare partition key{key}, so that other partitions are not even planned",
        about=tuple(one for scan in scans for one in study.under(scan)),
    )


def _is_one_table(scans: list[PlanNode]) -> bool:
    """Partitions are planned as `alias_1`, `alias_2` ...: the branches of a UNION ALL have names of their own."""
    bases = {re.sub(r"_\d+$", "", scan.alias or "") for scan in scans}
    return len(bases) == 1 and len({scan.relation for scan in scans}) == len(scans)
