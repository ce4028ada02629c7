"""All budgets at once: each judged, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from perfctl.diagnosis import Check
from perfctl.metrics.budgets.judging import Windows, judge
from perfctl.metrics.budgets.measures import shown
from perfctl.metrics.budgets.model import Budget, Budgets, Judged, Operator, Severity, Verdict

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame

_STATUS: dict[Verdict, Literal["pass", "fail"]] = {"pass": "pass", "breach": "fail", "no_data": "fail"}
_NO_DATA_FIX = "let the application publish (metrics.publish), or run perfctl metrics record"


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget and what became of it."""

    name: str
    expr: str
    """Its canonical text."""
    verdict: Verdict
    severity: Severity
    observed: float | None
    """In `unit`; null where there was nothing to judge."""
    operator: Operator
    limit: float
    """In `unit`."""
    unit: str
    """`s`, `bytes`, `ratio`, `1/s` ...; empty for a count."""
    reason: str
    """What was found, or why there is nothing to judge."""
    for_seconds: float = 0.0
    since: float | None = None
    """Unix seconds since when it is broken without a break."""
    where: str | None = None
    """`file:line:col`, where it stands in a file."""


@dataclass(frozen=True, slots=True)
class BudgetsChecked:
    """Every budget with its verdict, those that are broken first."""

    listing: ClassVar[str] = "rows"

    verdict: Verdict
    """`breach` where one that counts is broken, else `no_data` where one could not be judged, else `pass`."""
    source: Literal["history", "snapshot"]
    """What it was judged by: what was recorded, or one look now, for there is no history."""
    window_seconds: float | None
    """Over what time values were taken, where the asker said; null: each budget's own."""
    rows: tuple[BudgetRow, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        """The same as the checks that a CI is told of; a budget of a file is at its line."""
        return tuple(_check(row) for row in self.rows)


def check(
    budgets: Budgets,
    recorded: Windows | Sequence[Frame],
    now: float,
    *,
    source: Literal["history", "snapshot"],
    window_seconds: float | None = None,
    tickets_count: bool = True,
) -> BudgetsChecked:
    """Judge every budget and objective. What is broken of severity `ticket` decides only where `tickets_count`."""
    asked = [*budgets.checks, *(objective.budget for objective in budgets.objectives)]
    judged = [judge(budget, recorded, now, window_seconds=_window(budget, window_seconds)) for budget in asked]
    verdict = _verdict(each for each in judged if tickets_count or each.budget.severity == "page")
    return BudgetsChecked(verdict, source, window_seconds, _sorted(judged))


def _window(budget: Budget, said: float | None) -> float | None:
    """An objective keeps its own window."""
    return budget.window_seconds or said


def _verdict(judged: Iterable[Judged]) -> Verdict:
    found = {each.verdict for each in judged}
    return "breach" if "breach" in found else "no_data" if "no_data" in found else "pass"


def _sorted(judged: Iterable[Judged]) -> tuple[BudgetRow, ...]:
    order = ("breach", "no_data", "pass")
    return tuple(_row(each) for each in sorted(judged, key=lambda each: order.index(each.verdict)))


def _row(judged: Judged) -> BudgetRow:
    budget = judged.budget
    return BudgetRow(
        budget.title,
        str(budget),
        judged.verdict,
        budget.severity,
        judged.observed,
        budget.operator,
        budget.limit,
        budget.expression.unit,
        judged.reason,
        budget.for_seconds,
        judged.since,
        budget.where,
    )


def _check(row: BudgetRow) -> Check:
    status = "warn" if row.verdict == "breach" and row.severity == "ticket" else _STATUS[row.verdict]
    observed = f"no data: {row.reason}" if row.verdict == "no_data" else row.reason
    return Check(
        "budget",
        row.name,
        status,
        observed if row.name == row.expr else f"{row.expr}: {observed}",
        _NO_DATA_FIX if row.verdict == "no_data" else None,
        value=row.observed,
        unit=row.unit or "count",
        threshold=row.limit,
        objects=(row.where,) if row.where else (),
    )


def limit_of(row: BudgetRow) -> str:
    """What it should be, for eyes.

    >>> limit_of(BudgetRow("a", "a", "pass", "page", 1.0, "<", 0.05, "s", ""))
    '< 50.0 ms'
    """
    return f"{row.operator} {shown(row.limit, row.unit)}"
