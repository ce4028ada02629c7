"""`perfctl metrics ...`: what is measured, now."""

from __future__ import annotations

from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run
from perfctl.metrics.model import MetricsSnapshot

group = CommandGroup(
    "metrics",
    help="What is measured, now.",
    parts={
        "record": "metrics_record",
        "export": "metrics_export",
        "check": "metrics_check",
    },
)


@group.command("show", example="perfctl metrics show -o json")
async def show(run: Run) -> MetricsSnapshot:
    """Show the ten figures of the stack, each with its source, or the reason why it was not measured.

    Exit 6 when something that is configured did not answer: the other figures are still shown.
    """
    from perfctl.operations.snapshot import metrics_snapshot

    snapshot = await metrics_snapshot(run.optimizer)
    if snapshot.unanswered:
        run.warn(f"no answer from {' and '.join(snapshot.unanswered)}: its figures are missing")
        run.exit(6)
    return snapshot
