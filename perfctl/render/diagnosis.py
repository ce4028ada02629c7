"""Drawing the answer of every `doctor` and of `health`."""

from __future__ import annotations

from perfctl.diagnosis import Check, Diagnosis
from perfctl.render.view import Cell, Column, Table, Text, Tone, View, view

_TONES: dict[str, Tone] = {"pass": "good", "warn": "warn", "fail": "bad", "off": "dim"}


def diagnosis_view(result: Diagnosis) -> View:
    """Every check on a line, and under the table what to do about those that are not well."""
    columns = (Column("status"), Column("component"), Column("check"), Column("observed", wraps=True))
    table = Table(
        columns, tuple(_row(check) for check in result.rows), empty="nothing is configured that could be checked"
    )
    fixes = [f"{check.component} {check.check}: {check.fix}" for check in result.rows if check.fix]
    return view(table, Text("to mend:\n  " + "\n  ".join(fixes)) if fixes else None)


def _row(check: Check) -> tuple[Cell | str, ...]:
    return (Cell(check.status, _TONES[check.status]), check.component, check.check, check.observed)


VIEWS = {Diagnosis: diagnosis_view}
