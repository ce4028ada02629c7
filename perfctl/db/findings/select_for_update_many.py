"""SELECT ... FOR UPDATE (or SHARE) locks very many rows.

Each lock writes to its row's page: 5,000 of them are as much writing as an UPDATE of 5,000 rows, and others wait.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ()
MIN_ROWS = 5_000


def look(study: Study) -> Iterator[Found]:
    """LockRows nodes."""
    for node in study.nodes:
        rows = study.kept(node)
        if node.node_type != "LockRows" or rows < MIN_ROWS:
            continue
        share = study.share(node)
        dirtied = node.buffers.dirtied if node.buffers else 0
        yield study.found(
            node,
            severity="warning",
            share=max(share, 0.5),  # what it does to others does not show in its own time
            evidence=f"{count(rows)} rows locked, {count(dirtied)} pages dirtied: {percent(share)} of the time",
            cause="every row that passes is locked until the transaction ends",
            next_step="lock in small batches: ORDER BY key LIMIT 500 FOR UPDATE SKIP LOCKED, or update at once by a"
            " condition instead of locking first",
        )
