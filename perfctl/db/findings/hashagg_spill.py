"""A hash aggregate had more groups than memory and went through temporary files (PostgreSQL 13 and later).

Under a tenth of the time it is told as info.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent, size

YIELDS_TO = ()
MIN_SHARE = 0.1


def look(study: Study) -> Iterator[Found]:
    """Hash aggregates with more than one batch, in the leader or in a worker."""
    for node in study.nodes:
        parts = study.each_process(node)
        batches = max((one.hashagg_batches or 0 for one in parts), default=0)
        disk_kb = sum(one.disk_usage_kb or 0 for one in parts)
        if batches <= 1 and not disk_kb:
            continue
        share = study.share(node)
        enough = ((node.peak_memory_kb or 0) + 2 * disk_kb) // 1024 + 1
        yield study.found(
            node,
            severity="warning" if share >= MIN_SHARE else "info",
            share=share,
            evidence=f"{count(study.kept(node))} groups in {batches} batches,"
            f" {size(disk_kb / 8)} on disk: {percent(share)} of the time",
            cause="the groups are larger than work_mem x hash_mem_multiplier"
            + ("" if node.planned_partitions else "; the planner expected fewer groups"),
            next_step=f"SET LOCAL work_mem = '{max(enough, 8)}MB' for this statement, or ANALYZE the table "
            "where far fewer groups were expected",
        )
