"""The whole result goes to the client, and it is large.

20,000 rows of 50 bytes and more, 5 MB together: more than anybody looks at, so it is fetched to be thrown away, counted
or filtered elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, size

YIELDS_TO = ()
MIN_ROWS, MIN_WIDTH, MIN_BYTES = 20_000, 50, 5 * 1024**2
_WRITES = ("Insert", "Update", "Delete", "Merge")


def look(study: Study) -> Iterator[Found]:
    """What the topmost node hands out."""
    node = study.report.plan
    rows = study.kept(node) if study.report.analyzed else node.plan_rows
    wide = rows * node.width_bytes
    if rows < MIN_ROWS or wide < MIN_BYTES or node.width_bytes < MIN_WIDTH or node.node_type in _WRITES:
        return
    yield study.found(
        node,
        severity="warning",
        share=0.3,  # sending it is not in the plan's time
        evidence=f"{count(rows)} rows of {count(node.width_bytes)} bytes: {size(wide / 8192)} to the client",
        cause="nothing limits the rows, and all columns come along",
        next_step="name the columns that are needed, and page by key (WHERE key > last ORDER BY key LIMIT n); "
        "for an export use COPY or a cursor",
    )
