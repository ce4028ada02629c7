"""The plan counts on parallel workers that were not there.

Half of them missing, or more: the pool of max_parallel_workers was in use, and the leader did their work.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, percent

YIELDS_TO = ()
MIN_SHARE = 0.3


def look(study: Study) -> Iterator[Found]:
    """Gathers that got fewer workers than they planned."""
    for node in study.nodes:
        planned, launched = node.workers_planned or 0, node.workers_launched
        if launched is None or launched >= planned or not node.loops:
            continue
        share = study.tree_share(node)
        few = launched <= planned / 2 and share >= MIN_SHARE
        none = study.report.settings.get("max_parallel_workers") == "0"
        yield study.found(
            node,
            severity="warning" if few else "info",
            share=share,
            evidence=f"{launched} of {planned} planned workers came: {percent(share)} of the time in this part",
            cause="max_parallel_workers = 0: there are none"
            if none
            else "others held the workers (max_parallel_workers, max_worker_processes)",
            next_step="raise max_parallel_workers (and max_worker_processes) to what the machine has cores, "
            "or lower max_parallel_workers_per_gather so that plans do not count on them",
        )
