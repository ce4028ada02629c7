"""Planning took longer than running.

From 10 ms on; where the reason shows, eight relations and more, from 5 ms, or 2.5 ms and ten times what running took
(nine joined by their keys are planned in one); where it shows plainly, 50 relations or a thousand blocks of catalogs,
from 0.5 ms. A point read's plan takes a tenth of a millisecond, and a session's first
statement reads some hundred blocks, a few thousand where a partitioned table is opened.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ()
LONG_MS, MIN_MS, FEW_MS, FEWER_MS = 10.0, 5.0, 2.5, 0.5
TIMES_RUNNING, SOME_RELATIONS, MANY_RELATIONS, MANY_BLOCKS = 10.0, 8, 50, 1_000


def look(study: Study) -> Iterator[Found]:
    """The whole statement, when it was run."""
    report = study.report
    planning = report.planning_ms or 0.0
    if not report.analyzed or planning <= study.total_ms:
        return
    buffers = report.planning_buffers
    blocks = buffers.hit + buffers.read if buffers else 0
    relations = len({(node.schema, node.relation, node.alias) for node in study.nodes if node.relation})
    plain = relations >= MANY_RELATIONS or (relations >= SOME_RELATIONS and blocks >= MANY_BLOCKS)
    some = FEW_MS if planning >= TIMES_RUNNING * study.total_ms else MIN_MS
    enough = FEWER_MS if plain else some if relations >= SOME_RELATIONS else LONG_MS
    if planning < enough:
        return
    share = planning / (planning + study.total_ms)
    yield study.found(
        report.plan,
        severity="warning",
        share=share,
        evidence=f"{planning:.1f} ms to plan, {study.total_ms:.1f} ms to run ({percent(share)}):"
        f" {count(relations)} relations, {count(blocks)} blocks of catalogs",
        cause="each partition, index and join order is looked at before the first row",
        next_step="prepare the statement once (plan_cache_mode = force_generic_plan), ask for the partition key, "
        "or have fewer partitions",
    )
