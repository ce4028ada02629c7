"""Planning took longer than running.

From 5 ms on, or from 1 ms where the reason shows: a thousand blocks of catalogs read, or 50 relations planned. A point
read's plan takes a tenth of a millisecond, and a session's first statement reads some hundred blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent

YIELDS_TO = ()
MIN_MS, FEWER_MS, MANY_BLOCKS, MANY_RELATIONS = 5.0, 1.0, 1_000, 50


def look(study: Study) -> Iterator[Found]:
    """The whole statement, when it was run."""
    report = study.report
    planning = report.planning_ms or 0.0
    if not report.analyzed or planning <= study.total_ms:
        return
    buffers = report.planning_buffers
    blocks = buffers.hit + buffers.read if buffers else 0
    relations = len({(node.schema, node.relation, node.alias) for node in study.nodes if node.relation})
    if planning < MIN_MS and not (planning >= FEWER_MS and (blocks >= MANY_BLOCKS or relations >= MANY_RELATIONS)):
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
