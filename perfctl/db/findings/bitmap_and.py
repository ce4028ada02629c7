"""Bitmaps of several single-column indexes are ANDed, where one index of these columns would go straight there.

30 % of the time spent on the bitmaps, and 2,000 rows in them; or ten entries and more for each row, and 10,000 of
them, where the time went to the pages of the table for other reasons (they were not in memory).
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.conditions import parts
from perfctl.db.findings.served import index_advice
from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ()
MIN_SHARE, MIN_ROWS, MANY_ROWS, MIN_RATIO, LOW_SHARE = 0.3, 2_000, 10_000, 10, 0.05


def look(study: Study) -> Iterator[Found]:
    """BitmapAnd nodes."""
    for node in study.nodes:
        if node.node_type != "BitmapAnd" or not node.loops:
            continue
        share = study.tree_share(node)
        entries = sum(study.kept(child) for child in node.children)
        scan = study.parent(node)
        kept = study.kept(scan) if scan else 0.0
        is_much = share >= MIN_SHARE and entries >= MIN_ROWS and entries >= 2 * kept
        is_waste = share >= LOW_SHARE and entries >= MANY_ROWS and entries >= MIN_RATIO * kept
        if not is_much and not is_waste:
            continue
        indexes = [one.index for one in study.under(node) if one.index]
        asked = [one.column for child in study.under(node) for one in parts(child.index_condition) if one.column]
        columns = tuple(dict.fromkeys(asked))
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{count(entries)} entries of {' and '.join(dict.fromkeys(indexes))} for {count(kept)} rows:"
            f" {percent(share)} of the time",
            cause="each index alone finds many rows; only together they find few",
            next_step=index_advice(study, scan or node, columns),
            about=(scan,) if scan else (),
        )
