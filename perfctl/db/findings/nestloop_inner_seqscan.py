"""A nested loop reads a whole table anew for each outer row.

A million rows read in this way is a tenth of a second at least, and it grows with both sides; smaller ones are told
where they are half of the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perfctl.db.findings.conditions import parts
from perfctl.db.findings.served import index_advice
from perfctl.db.findings.study import SEQ_SCANS, Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_READ, FEWER_READ, MIN_SHARE, HIGH_SHARE = 1_000_000, 200_000, 0.2, 0.5


def look(study: Study) -> Iterator[Found]:
    """Sequential scans that run more than once on the inner side of a nested loop."""
    for node in study.nodes:
        join = _loop_over(study, node)
        if node.node_type not in SEQ_SCANS or join is None or study.repeats(node) < 2:
            continue
        read = study.read(node)
        share = max(study.tree_share(node), study.share(node) + study.share(join))
        enough = (read >= MIN_READ and share >= MIN_SHARE) or (read >= FEWER_READ and share >= HIGH_SHARE)
        if not enough:
            continue
        name = study.name(node)
        asked = next((one.text for one in parts(join.join_filter or node.filter)), "the join")
        off = node.disabled or "enable_hashjoin" in study.report.settings
        yield study.found(
            node,
            severity="critical" if share >= HIGH_SHARE and read >= 10 * MIN_READ else "warning",
            share=share,
            evidence=f"{name} read {count(study.repeats(node))} times, {count(read)} rows:"
            f" {percent(share)} of the time",
            cause=f"no index finds the rows of {name} by {asked}" + ("; hash joins are switched off" if off else ""),
            next_step=("RESET enable_hashjoin; " if off else "") + _index(study, node, join, asked),
            about=(join,),
        )


def _index(study: Study, node: PlanNode, join: PlanNode, asked: str) -> str:
    """The index that each outer row would ask."""
    columns = [one.column for one in parts(join.join_filter) if one.alias == node.alias and one.column]
    columns += [match for one in parts(join.join_filter) for match in _columns_of(node.alias, one.against)]
    if columns:
        return index_advice(study, node, tuple(dict.fromkeys(columns)))
    return f"an index on the column of {study.name(node)} in {asked} gives each outer row its rows at once"


def _columns_of(alias: str | None, text: str | None) -> list[str]:
    """The bare columns of that table on the other side of a comparison."""
    return re.findall(rf"^{re.escape(alias)}\.(\w+)$", text) if alias and text else []


def _loop_over(study: Study, node: PlanNode) -> PlanNode | None:
    """The nested loop whose inner side it is on; None under a SubPlan, or where a node between them keeps the rows."""
    below = node
    for above in study.above(node):
        if above.node_type.startswith("Nested Loop"):
            return above if len(above.children) > 1 and below is not above.children[0] else None
        if (below.parent_relationship or "") in ("SubPlan", "InitPlan") or above.node_type in ("Materialize", "Hash"):
            return None
        below = above
    return None
