"""A scan reads pages that hold next to no living rows.

Under one live row a page, over 500 pages (4 MB): a row is never larger than a page, so most of them are dead or empty.
Blocks beyond what the planner counts for the whole table are of its TOAST table, and no sign of it.
An index leads to them as well, as at the head of a queue: a walk in its order that touched a hundred pages for each row
it found, or a bitmap whose entries were twice as many as the rows behind them.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import SEQ_SCANS, Found, Study, count, percent, size
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_PAGES, ROWS_A_PAGE, MIN_SHARE, DEAD_SHARE = 500, 1.0, 0.2, 0.5
PAGES_A_ROW, DESCENT, ENTRIES_A_ROW = 100.0, 4, 2.0
"""A row in an index's order takes its own page, part of the index's, and of a long value some of TOAST's; a search goes
down some pages first."""


def look(study: Study) -> Iterator[Found]:
    """Scans that found next to nothing on their pages, and any where the server counts more dead rows than live."""
    for node in study.nodes:
        if not node.relation or "Scan" not in node.node_type or not node.loops:
            continue
        pages, rows, share = study.blocks(node), study.read(node), study.share(node)
        if pages < MIN_PAGES or share < MIN_SHARE:
            continue
        if _is_hollow(study, node, pages, rows) or _is_mostly_dead(study, node):
            yield _found(study, node, pages, rows, share)


def _is_hollow(study: Study, node: PlanNode, pages: int, rows: float) -> bool:
    """Whether the pages alone tell it. An index condition may skip over entries, so a walk must have none."""
    if node.node_type in SEQ_SCANS:
        own = min(pages, (node.loops or 1.0) * node.total_cost / study.page_cost)
        return rows < ROWS_A_PAGE * own and study.limit_over(node) is None
    if study.is_whole_walk(node):
        return pages > PAGES_A_ROW * (rows + DESCENT * (node.loops or 1.0))
    if node.node_type.endswith("Bitmap Heap Scan") and study.limit_over(node) is None and not node.lossy_heap_blocks:
        entries = sum(study.kept(child) for child in node.children)
        return rows < ROWS_A_PAGE * pages and entries > ENTRIES_A_ROW * rows
    return False


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
