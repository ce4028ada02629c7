"""A scan reads pages that hold next to no living rows.

Under one live row a page, over 500 pages (4 MB): a row is never larger than a page, so most of them are dead or empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import SEQ_SCANS, Found, Study, count, percent, size
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_PAGES, ROWS_A_PAGE, MIN_SHARE, DEAD_SHARE = 500, 1.0, 0.2, 0.5


def look(study: Study) -> Iterator[Found]:
    """Sequential scans that went to their end; any scan where the server counts more dead rows than live ones."""
    for node in study.nodes:
        if not node.relation or "Scan" not in node.node_type or not node.loops:
            continue
        pages, rows, share = study.blocks(node), study.read(node), study.share(node)
        if pages < MIN_PAGES or share < MIN_SHARE:
            continue
        is_hollow = node.node_type in SEQ_SCANS and rows < ROWS_A_PAGE * pages and study.limit_over(node) is None
        if is_hollow or _is_mostly_dead(study, node):
            yield _found(study, node, pages, rows, share)


def _is_mostly_dead(study: Study, node: PlanNode) -> bool:
    table = study.table(node)
    return table is not None and table.dead >= 10_000 and table.dead >= DEAD_SHARE * (table.dead + table.live)


def _found(study: Study, node: PlanNode, pages: int, rows: float, share: float) -> Found:
    table = study.table(node)
    name = study.name(node)
    known = f"; {count(table.dead)} dead and {count(table.live)} live rows" if table else ""
    return study.found(
        node,
        severity="warning",
        share=share,
        evidence=f"{count(pages)} pages ({size(pages)}) read for {count(rows)} rows{known}:"
        f" {percent(share)} of the time",
        cause="most of the pages hold dead rows, or none: updated or deleted, and not reclaimed",
        next_step=f"VACUUM {name} makes the room free for new rows; VACUUM FULL {name} (locks it) or pg_repack makes it"
        " small; look for transactions that stay open for long",
    )
