"""An index-only scan visits the table all the same, because VACUUM has not marked its pages all-visible.

A third of its rows; and either 20,000 visits, or a thousand that each led to another page: neighbours on one page
cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ()
MIN_SHARE, MIN_FETCHED, MANY_FETCHES, SCATTERED_FETCHES, PAGES_A_FETCH = 0.2, 0.3, 20_000, 1_000, 0.1
_DESCENT = 4
"""Pages of an index from its root to a leaf, for each search."""


def look(study: Study) -> Iterator[Found]:
    """Index-only scans."""
    for node in study.nodes:
        fetches, rows = node.heap_fetches or 0.0, study.read(node)
        share = study.share(node)
        if not fetches or fetches < MIN_FETCHED * rows or share < MIN_SHARE:
            continue
        searches = max(node.index_searches or 0.0, node.loops or 1.0)
        pages = max(study.blocks(node) - (_DESCENT * searches if searches > 1 else 0), 0)
        if fetches < MANY_FETCHES and (fetches < SCATTERED_FETCHES or pages < PAGES_A_FETCH * fetches):
            continue
        table = study.table(node)
        name = study.name(node)
        when = "never vacuumed" if table and table.last_vacuumed is None else "changed since its last VACUUM"
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{count(fetches)} visits of the table for {count(rows)} rows: {percent(share)} of the time",
            cause=f"{name} is {when}: the visibility map does not vouch for its pages",
            next_step=f"VACUUM {name}; for a table that is only added to, lower autovacuum_vacuum_insert_scale_factor",
        )
