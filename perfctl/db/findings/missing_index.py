"""A sequential scan reads a large table and drops nearly all of it, with conditions that an index could find.

Twenty rows read for one that is kept is where PostgreSQL's own costs turn from scan to index on rows in random order
(a page fetched at random costs 4 sequential ones by default, or 1.1 on SSD, and holds tens of rows). Tables under 4 MB
and 75,000 rows are read in some milliseconds: they are told as info. So is a scan that keeps more rows than half as
many as it read pages: in random order an index would lead to about half of the pages as well. A scan that feeds a join
is one step of several, and a hash join reads its side whole in any case: there it takes 32 MB or 300,000 rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perfctl.db.findings.conditions import Condition, indexable, parts
from perfctl.db.findings.served import index_advice, serving_index, unusable_index
from perfctl.db.findings.study import SEQ_SCANS, Found, Study, count, percent, size
from perfctl.db.model.plans import PlanNode

YIELDS_TO = (
    "implicit_cast",
    "function_on_column",
    "leading_wildcard",
    "not_in_subplan",
    "nestloop_inner_seqscan",
    "dead_tuples",
)
MIN_DROPPED, MIN_RATIO, MIN_SHARE = 10_000, 19.0, 0.1
LARGE_PAGES, LARGE_ROWS, WORTH_ROWS_A_PAGE = 512, 75_000, 0.5
JOINED_PAGES, JOINED_ROWS = 4_096, 300_000


def look(study: Study) -> Iterator[Found]:
    """Scans of one table; the partitions of one count together."""
    for scans in _families(study):
        dropped, kept = sum(_dropped(study, scan) for scan in scans), sum(_kept(study, scan) for scan in scans)
        share = min(sum(map(study.share, scans)), 1.0)
        wanted = indexable(scans[0].filter)
        if dropped < MIN_DROPPED or dropped < MIN_RATIO * kept or share < MIN_SHARE or not wanted:
            continue
        yield _found(study, scans, share, dropped, kept, wanted)


def _kept(study: Study, node: PlanNode) -> float:
    return study.kept(node) if study.report.analyzed else node.plan_rows


def _dropped(study: Study, node: PlanNode) -> float:
    """Rows that were dropped, or where nothing was run: the table's rows without those that are expected."""
    if study.report.analyzed:
        return study.dropped(node)
    table = study.table(node)
    return max((table.rows or 0.0) - node.plan_rows, 0.0) if table else 0.0


def _families(study: Study) -> Iterator[tuple[PlanNode, ...]]:
    """Sequential scans with a filter: each by itself, but those under one Append that filter alike together."""
    families: dict[object, list[PlanNode]] = {}
    for node in study.nodes:
        if node.node_type in SEQ_SCANS and node.filter and (node.loops or not study.report.analyzed):
            parent = study.parent(node)
            together = parent is not None and parent.node_type.endswith("Append")
            key = (id(parent), _shape(node)) if together else id(node)
            families.setdefault(key, []).append(node)
    yield from map(tuple, families.values())


def _shape(node: PlanNode) -> tuple[tuple[str | None, str | None], ...]:
    return tuple((one.column, one.operator) for one in parts(node.filter))


def _found(
    study: Study,
    scans: tuple[PlanNode, ...],
    share: float,
    dropped: float,
    kept: float,
    wanted: tuple[Condition, ...],
) -> Found:
    pages = sum(map(study.blocks, scans)) or sum(table.pages for scan in scans if (table := study.table(scan)))
    large_pages, large_rows = (JOINED_PAGES, JOINED_ROWS) if _is_joined(study, scans[0]) else (LARGE_PAGES, LARGE_ROWS)
    is_large = pages >= large_pages or dropped + kept >= large_rows
    is_worth = not pages or kept <= WORTH_ROWS_A_PAGE * pages
    cause, step = _advice(study, scans, wanted)
    verb = "read" if study.report.analyzed else "to read"
    read = f"{count(dropped + kept)} rows {verb}{f' ({size(pages)})' if pages else ''}"
    return study.found(
        scans[0],
        severity="warning" if is_large and is_worth else "info",
        share=share,
        evidence=f"{read}, {count(kept)} kept: {percent(share)} of the {study.work}, filter {scans[0].filter}",
        cause=cause,
        next_step=step,
        about=scans[1:],
        subject=None if len(scans) == 1 else f"{id(study.parent(scans[0]))}",
    )


def _is_joined(study: Study, node: PlanNode) -> bool:
    return any(one.join_type is not None for one in study.above(node))


def _advice(study: Study, scans: tuple[PlanNode, ...], wanted: tuple[Condition, ...]) -> tuple[str, str]:
    """Why it was scanned and what to do: never an index that is there."""
    node, table = scans[0], study.table(scans[0])
    parent = None if len(scans) == 1 else re.sub(r"_\d+$", "", node.alias or "") or None
    name = parent or study.name(node)
    columns = _ordered(wanted)
    serves = serving_index(table, wanted) if table else None
    if serves:
        return (
            f"{serves.name} has these columns, and the planner did not use it: its statistics or costs are off",
            f"ANALYZE {name}; then compare the plan with SET LOCAL enable_seqscan = off",
        )
    unusable = unusable_index(table, wanted) if table else None
    if unusable:
        index, reason, step = unusable
        return f"{index.name} cannot be used: {reason}", step.replace("ON ...", f"ON {name}")
    return (
        f"no index that fits {', '.join(columns)} was used, so every row of {name} is read and looked at",
        index_advice(study, node, columns, table_name=parent),
    )


def _ordered(wanted: tuple[Condition, ...]) -> tuple[str, ...]:
    """The columns as an index would have them: equalities first, then one range."""
    equal = [one.column for one in wanted if one.kind == "equality" and one.column]
    ranges = [one.column for one in wanted if one.kind == "range" and one.column]
    return tuple(dict.fromkeys([*equal, *ranges[:1]]))
