"""A sequential scan reads a large table and drops nearly all of it, with conditions that an index could find.

Twenty rows read for one that is kept is where PostgreSQL's own costs turn from scan to index on rows in random order
(a page fetched at random costs 4 sequential ones by default, or 1.1 on SSD, and holds tens of rows). Tables under 4 MB
and 75,000 rows are read in some milliseconds: they are told as info. So is a scan that keeps more rows than half as
many as it read pages: in random order an index would lead to about half of the pages as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.conditions import Condition, indexable, parts
from perfctl.db.findings.served import serving_index
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


def look(study: Study) -> Iterator[Found]:
    """Scans of one table; the partitions of one count together."""
    for scans in _families(study):
        dropped, kept = sum(map(study.dropped, scans)), sum(map(study.kept, scans))
        share = min(sum(map(study.share, scans)), 1.0)
        wanted = indexable(scans[0].filter)
        if dropped < MIN_DROPPED or dropped < MIN_RATIO * kept or share < MIN_SHARE or not wanted:
            continue
        yield _found(study, scans, share, dropped, kept, wanted)


def _families(study: Study) -> Iterator[tuple[PlanNode, ...]]:
    """Sequential scans with a filter: each by itself, but those under one Append that filter alike together."""
    families: dict[object, list[PlanNode]] = {}
    for node in study.nodes:
        if node.node_type in SEQ_SCANS and node.filter and (node.loops or 0) > 0:
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
    pages = sum(map(study.blocks, scans))
    is_large = pages >= LARGE_PAGES or dropped + kept >= LARGE_ROWS
    node = scans[0]
    table = study.table(node)
    serves = serving_index(table, wanted) if table else None
    name = (table.full_name if table else node.relation) or "the table"
    columns = ", ".join(_ordered(wanted))
    read = f"{count(dropped + kept)} rows read ({size(pages)})" if pages else f"{count(dropped + kept)} rows read"
    if serves:
        cause = f"{serves.name} has these columns, and the planner did not use it: its statistics or costs are off"
        step = f"ANALYZE {name}; then compare the plan with SET LOCAL enable_seqscan = off"
    else:
        cause = f"no index that fits {columns} was used, so every row of {name} is read and looked at"
        step = f"an index on {name} ({columns}) finds these rows: perfctl db indexes weighs it against its upkeep"
    return study.found(
        node,
        severity="warning" if is_large and (not pages or kept <= WORTH_ROWS_A_PAGE * pages) else "info",
        share=share,
        evidence=f"{read}, {count(kept)} kept: {percent(share)} of the time, filter {node.filter}",
        cause=cause,
        next_step=step,
        about=scans[1:],
        subject=None if len(scans) == 1 else f"{id(study.parent(node))}",
    )


def _ordered(wanted: tuple[Condition, ...]) -> tuple[str, ...]:
    """The columns as an index would have them: equalities first, then one range."""
    equal = [one.column for one in wanted if one.kind == "equality" and one.column]
    ranges = [one.column for one in wanted if one.kind == "range" and one.column]
    return tuple(dict.fromkeys([*equal, *ranges[:1]]))
