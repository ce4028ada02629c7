"""`perfctl demo`: the main jobs on real servers, each step with the command line that it runs, and checked."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run

group = CommandGroup()


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step: what it shows, and what was not as expected (None: nothing)."""

    title: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class DemoReport:
    """All steps, in order."""

    listing: ClassVar[str] = "rows"

    rows: tuple[DemoStep, ...]
    expected: int
    """How many steps went as expected."""


@group.command("demo", example="perfctl demo")
def demo(run: Run) -> DemoReport | None:
    """Start real servers, do the main jobs on them, check each, and take everything down again."""
    from perfctl.cli.demo_stage import Stage
    from perfctl.cli.demo_steps import STEPS

    folder = Path(tempfile.mkdtemp(prefix="perfctl-demo-"))
    stage = Stage(run.terminal, folder)
    try:
        steps = tuple(DemoStep(step.title, stage.play(step)) for step in STEPS)
    finally:
        stage.leave()
        shutil.rmtree(folder, ignore_errors=True)
    report = DemoReport(steps, sum(step.problem is None for step in steps))
    run.exit(0 if report.expected == len(steps) else 1)
    stage.tell(f"demo: {report.expected} of {len(steps)} steps as expected\n")
    return None if stage.is_told else report
