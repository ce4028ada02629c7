"""Drawing budgets and what became of them."""

from __future__ import annotations

from perfctl.metrics.budgets.checking import BudgetRow, BudgetsChecked, limit_of
from perfctl.metrics.budgets.measures import shown
from perfctl.render.view import Cell, Column, Table, Text, Tone, View, view
from perfctl.units import format_counted, format_duration_ms

_TONES: dict[str, Tone] = {"pass": "good", "breach": "bad", "no_data": "warn"}
_WORDS = {"pass": "pass", "breach": "breach", "no_data": "no data"}
_COLUMNS = (
    Column("verdict"),
    Column("observed", "right"),
    Column("should be", "right"),
    Column("budget", wraps=True),
    Column("why", wraps=True, from_width=100),
)


def checked_view(result: BudgetsChecked) -> View:
    """A budget on a line, those that are broken first; what was looked at, and what it comes to."""
    rows = tuple(_row(row) for row in result.rows)
    return view(Table(_COLUMNS, rows), _missing(result), Text(_summary(result), _TONES[result.verdict]))


def _row(row: BudgetRow) -> tuple[Cell | str, ...]:
    place = f"\n{row.where}" if row.where and row.verdict != "pass" else ""
    lasting = f" for {format_duration_ms(row.for_seconds * 1000)}" if row.for_seconds else ""
    name = row.expr if row.name == row.expr else f"{row.name}: {row.expr}"
    severity = " (ticket)" if row.severity == "ticket" and row.verdict == "breach" else ""
    return (
        Cell(_WORDS[row.verdict] + severity, _TONES[row.verdict]),
        Cell(shown(row.observed, row.unit), "strong"),
        limit_of(row) + lasting,
        name + place,
        row.reason,
    )


def _missing(result: BudgetsChecked) -> Text | None:
    reasons = dict.fromkeys(row.reason for row in result.rows if row.verdict == "no_data")
    return Text("no data:\n  " + "\n  ".join(reasons), "warn") if reasons else None


def _summary(result: BudgetsChecked) -> str:
    counts = [
        f"{sum(row.verdict == verdict for row in result.rows)} {word}"
        for verdict, word in _WORDS.items()
        if any(row.verdict == verdict for row in result.rows)
    ]
    by = "one look now, for there is no history" if result.source == "snapshot" else "the history"
    over = f" of the last {format_duration_ms(result.window_seconds * 1000)}" if result.window_seconds else ""
    of = format_counted(len(result.rows), "budget")
    return f"{_WORDS[result.verdict]}: {of}, {', '.join(counts)}\njudged by {by}{over}"
