"""The gate of every `check`: its findings, and from which of them on the exit code is 1."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.diagnosis import Diagnosis, reaches

if TYPE_CHECKING:
    from perfctl.cli.run import Run


class Severity(StrEnum):
    """From which status on a check is a "no"."""

    warn = "warn"
    fail = "fail"


FailOn = Annotated[Severity, typer.Option("--fail-on", help="Exit 1 from this status on.")]
"""The option of every `check`: `async def check(run: Run, fail_on: FailOn = Severity.fail) -> Diagnosis`."""


def gated(run: Run, diagnosis: Diagnosis, fail_on: Severity) -> Diagnosis:
    """The diagnosis; the run's exit code becomes 1 when its status is at least `fail_on`."""
    if reaches(diagnosis.status, fail_on.value):
        run.exit(1)
    return diagnosis
