"""`perfctl metrics ...`: what is measured, now."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run
from perfctl.metrics.model import MetricsSnapshot
from perfctl.units import parse_duration

By = Literal["namespace", "tier", "fingerprint", "route"]

group = CommandGroup(
    "metrics",
    help="What is measured, now.",
    parts={
        "watch": "metrics_watch",
        "report": "metrics_report",
        "record": "metrics_record",
        "export": "metrics_export",
        "check": "metrics_check",
        "compare": "metrics_compare",
        "alerts": "metrics_alerts",
    },
)


@group.command("show", example="perfctl metrics show --since 1h --by namespace")
async def show(
    run: Run,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DURATION", help="Of the history: 1h, 7d. Without: now, by asking everybody."),
    ] = None,
    by: Annotated[By | None, typer.Option("--by", help="Also percentiles and ratios by that.")] = None,
) -> MetricsSnapshot:
    """Show the ten figures of the stack, each with its source, or the reason why it was not measured.

    Trends and --by are read from the history, which `metrics record` and applications with metrics.publish write.
    Colours are the verdicts of metrics.budgets. Exit 6 when something that is configured did not answer: the other
    figures are still shown.
    """
    from perfctl.operations.snapshot import metrics_snapshot

    seconds = parse_duration(since, where="--since") if since else None
    snapshot = await metrics_snapshot(run.optimizer, since_seconds=seconds, by=by)
    if seconds is not None and not snapshot.trends:
        run.warn("the history has nothing of that time: perfctl metrics record --every 10s writes it")
    if snapshot.unanswered:
        run.warn(f"no answer from {' and '.join(snapshot.unanswered)}: its figures are missing")
        run.exit(6)
    return snapshot
