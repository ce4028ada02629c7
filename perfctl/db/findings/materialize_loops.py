"""A nested loop goes through a stored list again and again.

Half a million rows gone through, and 30 % of the time: it has no equality to hash by, or was kept from hashing.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ("not_in_subplan",)
MIN_ROWS, MIN_LOOPS, MIN_SHARE = 500_000, 10, 0.3


def look(study: Study) -> Iterator[Found]:
    """Materialize nodes on the inner side of a nested loop."""
    for node in study.nodes:
        join = study.parent(node)
        if node.node_type != "Materialize" or join is None or not join.node_type.startswith("Nested Loop"):
            continue
        rows, loops = study.kept(node), node.loops or 0.0
        share = min(study.tree_share(node) + study.share(join), 1.0)
        if rows < MIN_ROWS or loops < MIN_LOOPS or share < MIN_SHARE:
            continue
        off = study.report.settings.get("enable_hashjoin") == "off"
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{count(node.actual_rows or 0)} stored rows gone through {count(loops)} times,"
            f" {count(rows)} in all: {percent(share)} of the time",
            cause="hash joins are switched off" if off else f"{join.join_filter or 'the join'} has nothing to hash by",
            next_step="RESET enable_hashjoin"
            if off
            else "add an equality to the join, or narrow both sides before they meet",
            about=(join,),
        )
