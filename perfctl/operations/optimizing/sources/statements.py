"""What is wrong with the plans of the costliest statements: explained, never run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError
from perfctl.operations.optimizing.asked import Found, Skipped
from perfctl.operations.optimizing.commands import command_of
from perfctl.operations.optimizing.model import Evidence, Finding, Gain, Risk
from perfctl.operations.optimizing.steps import Step
from perfctl.units import format_count, format_duration_ms, format_ratio

if TYPE_CHECKING:
    from perfctl.db.model.plans import Finding as PlanFinding
    from perfctl.db.model.plans import PlanReport
    from perfctl.db.model.statements import SlowQuery
    from perfctl.operations.optimizing.asked import Asked

MOST_STATEMENTS = 10
LEAST_MEAN_MS = 0.5
"""A quicker statement is not slow, however often it runs: what it costs is calls."""
LEAST_TOTAL_MS = 50.0
GRAVE_SHARE = 0.5
_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)'
_NEW_INDEX = re.compile(rf"^CREATE INDEX CONCURRENTLY ON ((?:{_NAME}\.)?({_NAME})) \(({_NAME}(?:, {_NAME})*)\)(?:;|$)")
"""An index of plain columns: what another order or an expression would need, nobody has measured here."""
_TABLE_CODES = ("stale_stats",)
"""What other sources find for the whole table."""


async def look(asked: Asked) -> Sequence[Found]:
    """Findings of the statements that take most time; a missing index is one finding for all that want it."""
    database = asked.optimizer.database
    slow = await database.slow_queries(limit=MOST_STATEMENTS * 3, timeout=asked.limit_seconds)
    rows = [row for row in slow.rows if row.mean_ms >= LEAST_MEAN_MS and row.total_ms >= LEAST_TOTAL_MS]
    if not slow.rows:
        raise Skipped("no statement was counted yet")
    found: dict[str, Found] = {}
    refused: list[PerfctlError] = []
    for row in rows[:MOST_STATEMENTS]:
        try:
            plan = await database.analyze_query_performance(row.query, run=False, timeout=asked.limit_seconds)
        except PerfctlError as error:  # a statement that perfctl may not plan, or of a table that is gone
            refused.append(error)
            continue
        for finding in plan.findings:
            if finding.severity != "info" and finding.code not in _TABLE_CODES:
                made = _found(row, plan, finding)
                found.setdefault(made.finding.id, made)
    if refused and len(refused) == len(rows[:MOST_STATEMENTS]):
        raise Skipped(f"none of {len(refused)} statements can be planned: {refused[0].message}")
    return list(found.values())


def _found(row: SlowQuery, plan: PlanReport, found: PlanFinding) -> Found:
    from perfctl.db.mending import drop_index_statement

    step = _step(row, found)
    otherwise = f"perfctl db analyze --query {row.queryid or row.fingerprint} --no-run"
    command, kind = command_of(found.next_step, otherwise)
    if step is not None:
        command = step.command
    is_index = command.startswith("CREATE INDEX")
    risk: Risk = "low" if kind == "sql" else "none"
    why = (
        "builds while others read and write; each write pays for it; taken back where the plan does not use it"
        if is_index
        else "changes data structures, not rows"
        if kind == "sql"
        else "shows the plan; changing the statement is the application's"
    )
    finding = Finding(
        id=f"statements:{command if is_index else f'{found.code}:{row.queryid or row.fingerprint}'}",
        source="statements",
        severity="critical" if row.share >= GRAVE_SHARE else "warning",
        title=f"{found.node}: {found.code.replace('_', ' ')}",
        subject=row.query,
        evidence=(
            Evidence("time", f"{format_ratio(row.share)} of the time of all statements", row.share, "ratio"),
            Evidence("mean", f"{format_duration_ms(row.mean_ms)} a call", row.mean_ms, "ms"),
            Evidence("calls", f"{format_count(row.calls)} calls", float(row.calls), "count"),
            Evidence("plan", found.evidence),
            Evidence("cost", f"{plan.plan.total_cost:,.0f} planner units", plan.plan.total_cost, "cost"),
        ),
        gain=Gain(
            f"up to {format_duration_ms(row.mean_ms)} a call",
            "the statement's own mean is the limit; what is left of it shows once it is tried",
            row.mean_ms,
            "ms",
        ),
        risk=risk,
        risk_why=why,
        command=command,
        command_kind=kind,
        advice=f"{found.cause}; {found.next_step}",
        is_safe=step is not None,
        reverse=None if step is None else drop_index_statement(step.index),
        weight=row.share,
    )
    return Found(finding, step)


def _step(row: SlowQuery, found: PlanFinding) -> Step | None:
    """The index that the finding asks for, where it is of plain columns: named, so that it can be dropped again."""
    from perfctl.db.mending import create_index_statement

    made = _NEW_INDEX.match(found.next_step)
    if "~~" in found.evidence:
        return None  # a pattern: which operator class it wants, and whether it begins with a text, nobody knows here
    if made is None or found.code not in ("missing_index", "nestloop_inner_seqscan", "top_n_full_read"):
        return None
    table, bare = made.group(1), made.group(2)
    columns = tuple(map(_unquoted, re.findall(_NAME, made.group(3))))
    index, command = create_index_statement(_schema(table, bare), _unquoted(bare), table, columns)
    return Step(kind="index", table=table, columns=columns, index=index, statement=row.query, command=command)


def _schema(table: str, bare: str) -> str:
    return table.removesuffix(bare).rstrip(".") or "public"


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
