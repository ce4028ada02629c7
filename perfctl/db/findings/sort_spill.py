"""A sort did not fit into work_mem and went through temporary files.

An external merge writes and reads every row once more, mostly two to five times slower than in memory. Under a tenth
of the time it is told as info.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent, size
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_SHARE = 0.1


def look(study: Study) -> Iterator[Found]:
    """Sorts and incremental sorts that used the disk, in the leader or in a worker."""
    for node in study.nodes:
        disk_kb = _disk_kb(study, node)
        if disk_kb is None:
            continue
        share = study.share(node)
        yield study.found(
            node,
            severity="warning" if share >= MIN_SHARE else "info",
            share=share,
            evidence=f"{count(study.kept(node))} rows sorted on disk ({size(disk_kb / 8)}):"
            f" {percent(share)} of the time",
            cause="the rows to sort are larger than work_mem",
            next_step=f"SET LOCAL work_mem = '{_enough_mb(disk_kb)}MB' for this statement, sort fewer rows, "
            f"or read them in order from an index on ({', '.join(node.sort_key)})",
        )


def _disk_kb(study: Study, node: PlanNode) -> float | None:
    """What it wrote, of all processes; None where all was in memory."""
    parts = study.each_process(node)
    wrote = [one.sort_space_kb or 0 for one in parts if one.sort_space_type == "Disk" or _is_external(one.sort_method)]
    grouped = [group.peak_disk_kb for one in parts for group in one.sort_groups if group.peak_disk_kb]
    return float(sum(wrote) + sum(grouped)) if wrote or grouped else None


def _is_external(method: str | None) -> bool:
    return (method or "").startswith("external")


def _enough_mb(disk_kb: float) -> int:
    """In memory a row takes about twice its place on disk."""
    return max(int(disk_kb * 2 / 1024) + 1, 8)
