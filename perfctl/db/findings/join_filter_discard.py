"""A join pairs rows and then drops nine pairs in ten by a condition that its method could not use.

100,000 pairs compared for nothing: conditions with <, OR or functions on both sides cannot be hashed or merged.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ("nestloop_inner_seqscan",)
MIN_DROPPED, MIN_RATIO, MIN_SHARE = 100_000, 9.0, 0.2


def look(study: Study) -> Iterator[Found]:
    """Joins with a Join Filter."""
    for node in study.nodes:
        dropped = (node.rows_removed_by_join_filter or 0.0) * (node.loops or 0.0)
        kept, share = study.kept(node), study.tree_share(node)
        if dropped < MIN_DROPPED or dropped < MIN_RATIO * kept or share < MIN_SHARE:
            continue
        yield study.found(
            node,
            severity="warning",
            share=share * 0.9,
            evidence=f"{count(dropped + kept)} pairs compared, {count(kept)} kept: {percent(share)} of the time",
            cause=f"the join's method does not use {node.join_filter}: each pair is made first and looked at then",
            next_step="add an equality to the join, turn OR into UNION, or narrow both sides before they meet; "
            "a range can be looked up by an index on the inner side",
        )
