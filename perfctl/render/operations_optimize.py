"""Drawing a pass of `optimize`: the findings, what was not asked, what was done."""

from __future__ import annotations

from perfctl.operations.optimizing.model import Finding, Optimization
from perfctl.render.view import Cell, Column, Table, Tone, View, view

_TONES: dict[str, Tone] = {"critical": "bad", "warning": "warn", "info": "dim"}


def optimization_view(result: Optimization) -> View:
    """A line a finding, the worst first."""
    columns = (Column("severity"), Column("source"), Column("finding", wraps=True), Column("gain", wraps=True))
    return view(Table(columns, tuple(_row(finding) for finding in result.rows), empty="nothing found"))


def _row(finding: Finding) -> tuple[Cell | str, ...]:
    return (Cell(finding.severity, _TONES[finding.severity]), finding.source, finding.title, finding.gain.text)
