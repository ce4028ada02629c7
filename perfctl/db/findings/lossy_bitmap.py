"""A bitmap outgrew work_mem and kept pages instead of rows, so every row of them is looked at again.

A tenth of the pages lossy, and a thousand rows rechecked for nothing; or half of them, and a thousand: that nearly all
of their rows belonged was the luck of their order in the table. A BRIN index knows pages only: a bitmap that is
lossy from end to end is its way of working.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ()
MIN_LOSSY_SHARE, MIN_RECHECKED, MIN_SHARE, MOST_LOSSY, MANY_PAGES = 0.1, 1_000, 0.1, 0.5, 1_000


def look(study: Study) -> Iterator[Found]:
    """Bitmap heap scans with lossy pages, in the leader or in a worker."""
    for node in study.nodes:
        parts = study.each_process(node)
        lossy = sum(one.lossy_heap_blocks or 0 for one in parts)
        exact = sum(one.exact_heap_blocks or 0 for one in parts)
        if not lossy or not exact:
            continue
        rechecked = (node.rows_removed_by_recheck or 0.0) * (node.loops or 0.0)
        share = study.share(node)
        is_waste = lossy >= MIN_LOSSY_SHARE * (lossy + exact) and rechecked >= MIN_RECHECKED
        is_most = lossy >= MOST_LOSSY * (lossy + exact) and lossy >= MANY_PAGES
        is_bad = (is_waste or is_most) and share >= MIN_SHARE
        yield study.found(
            node,
            severity="warning" if is_bad else "info",
            share=share,
            evidence=f"{count(lossy)} of {count(lossy + exact)} pages lossy, {count(rechecked)} rows looked at and"
            f" dropped again: {percent(share)} of the time",
            cause="the bitmap did not fit into work_mem",
            next_step=f"SET LOCAL work_mem = '{_enough_mb(lossy + exact)}MB' for this statement, "
            "or make the index narrower to it (more columns, a predicate)",
        )


def _enough_mb(pages: int) -> int:
    """A page takes about 64 bytes of the bitmap, and the table that holds them is at most half full."""
    return max(pages * 128 // 1024**2 + 1, 4)
