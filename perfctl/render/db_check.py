"""Drawing what was recorded as a baseline."""

from __future__ import annotations

from perfctl.db.model.baselines import BaselineRecorded, PlannedQuery
from perfctl.render.view import Cell, Column, Facts, Table, View, view
from perfctl.units import format_count

_QUERY = 160


def recorded_view(result: BaselineRecorded) -> View:
    """What was recorded, then a statement on a line, the dearest first."""
    facts = Facts(
        (
            ("written to", result.path),
            ("database", result.database),
            ("statements", f"{len(result.queries)}, {result.measured} of them run"),
            ("tables", format_count(result.tables)),
            ("compare with", f"perfctl db check --baseline {result.path}"),
        )
    )
    columns = (Column("cost", "right"), Column("blocks", "right"), Column("query", wraps=True))
    rows = sorted(result.queries, key=lambda query: -query.cost)
    return view(facts, Table(columns, tuple(_row(query) for query in rows)))


def _row(query: PlannedQuery) -> tuple[Cell | str, ...]:
    text = " ".join(query.query.split())
    shown = text if len(text) <= _QUERY else text[: _QUERY - 1] + "…"
    if query.error is not None:
        return (Cell("no plan", "warn"), "", f"{shown}: {query.error}")
    blocks = Cell("not run", "dim") if query.buffers is None else format_count(query.buffers)
    return (format_count(round(query.cost)), blocks, shown)
