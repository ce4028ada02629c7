"""OFFSET reads the pages before, and throws them away.

A thousand rows skipped, and nine for each that is returned: the cost grows with the page's number, and the last page
costs as much as the whole table.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ()
MIN_SKIPPED, MIN_RATIO, MIN_SHARE = 1_000, 9.0, 0.3


def look(study: Study) -> Iterator[Found]:
    """Limits whose input gave many more rows than they handed on: a Limit alone stops when it has enough."""
    for node in study.nodes:
        if node.node_type != "Limit" or not node.children or not node.loops:
            continue
        below = node.children[0]
        kept, given = study.kept(node), study.kept(below)
        skipped, share = given - kept, study.tree_share(node)
        if skipped < MIN_SKIPPED or skipped < MIN_RATIO * kept or share < MIN_SHARE:
            continue
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{count(given)} rows read, {count(skipped)} of them skipped, {count(kept)} returned:"
            f" {percent(share)} of the time",
            cause="OFFSET has no way to jump: the rows before it are found, ordered and thrown away",
            next_step="page by key: WHERE (sort columns) > (those of the last row seen) ORDER BY ... LIMIT n",
            about=tuple(study.under(below)),
        )
