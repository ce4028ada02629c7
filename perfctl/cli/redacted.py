"""`--redact`: an answer that may leave the house."""

from __future__ import annotations

from typing import Annotated, TypeVar

import typer

from perfctl.cli.run import Run

_Result = TypeVar("_Result")

Redact = Annotated[
    bool, typer.Option("--redact", help="Replace names and literals, the same one by the same everywhere.")
]


async def redacted(run: Run, result: _Result) -> _Result:
    """The answer without the names of the server's users and without literals."""
    from perfctl.db.redaction.redactor import Redactor
    from perfctl.db.reporting.names import user_names

    return Redactor(await user_names(run.optimizer.database)).redacted(result)
