"""What is watched: each budget, and each pair of windows of each objective, looked at one moment after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from perfctl.metrics.alerts.ledger import Ledger, burned
from perfctl.metrics.alerts.stepping import Found, Patience
from perfctl.metrics.alerts.windows import Burn, burns_of
from perfctl.metrics.budgets.judging import WINDOW_SECONDS, Frames, judge_frame
from perfctl.metrics.budgets.model import Budget, Budgets, Objective
from perfctl.units import format_duration_ms

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame

MINUTE_SECONDS = 60.0
WELL_SECONDS = 120.0
"""So long a budget is held by the margin before its alert is over."""
_MARGIN = 0.05
"""Of the limit, and for a ratio of what is left of it."""
_RATIOS = ("ratio", "0..1")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was recorded: the frames that budgets look at, and the events of each ratio."""

    frames: tuple[Frame, ...]
    ledgers: dict[str, Ledger]


class Rule(Protocol):
    """One thing that is watched."""

    @property
    def name(self) -> str:
        """Its name, the same in every run."""

    @property
    def severity(self) -> str:
        """`page` or `ticket`."""

    @property
    def limit(self) -> float:
        """What the value may be, in `unit`."""

    @property
    def unit(self) -> str:
        """Of the limit and of the value."""

    @property
    def text(self) -> str:
        """What should hold."""

    @property
    def patience(self) -> Patience:
        """How long it has to last."""

    def look(self, evidence: Evidence, at: float) -> Found:
        """What is found at one moment."""


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """A budget, over its window, with a `for`."""

    name: str
    budget: Budget

    @property
    def severity(self) -> str:
        """The budget's."""
        return self.budget.severity

    @property
    def limit(self) -> float:
        """The budget's."""
        return self.budget.limit

    @property
    def unit(self) -> str:
        """The unit of the expression's value."""
        return self.budget.expression.unit

    @property
    def text(self) -> str:
        """The budget as it is written."""
        return str(self.budget)

    @property
    def patience(self) -> Patience:
        """As long as `for` says, and two minutes to be over."""
        return Patience(self.budget.for_seconds, WELL_SECONDS)

    @property
    def window_seconds(self) -> float:
        """What its value is taken over: the last minute where `for` asks for more than one of them."""
        return self.budget.window_seconds or (MINUTE_SECONDS if self.budget.for_seconds else WINDOW_SECONDS)

    def look(self, evidence: Evidence, at: float) -> Found:
        """The value over the window that ends then."""
        judged = judge_frame(self.budget, Frames(evidence.frames).window(at - self.window_seconds, at))
        if judged.verdict == "no_data" or judged.observed is None:
            return Found("no_data", None, judged.reason)
        if judged.verdict == "breach":
            return Found("breach", judged.observed, judged.reason)
        is_well = _with_margin(self.budget).holds(judged.observed)
        return Found("well" if is_well else "clear", judged.observed, judged.reason)


def _with_margin(budget: Budget) -> Budget:
    """The same, stricter by the margin; as it is where it asks for one value."""
    room = min(budget.limit, 1.0 - budget.limit) if budget.expression.unit in _RATIOS else abs(budget.limit)
    by = max(room, 0.0) * _MARGIN
    signs = {"<": -1, "<=": -1, ">": 1, ">=": 1}
    return replace(budget, limit=budget.limit + signs.get(budget.operator, 0) * by)


@dataclass(frozen=True, slots=True)
class BurnRule:
    """An objective and one pair of windows."""

    name: str
    objective: Objective
    burn: Burn

    @property
    def severity(self) -> str:
        """`page` for the fast ones, `ticket` for the slow ones."""
        return self.burn.severity

    @property
    def limit(self) -> float:
        """The factor."""
        return self.burn.factor

    @property
    def unit(self) -> str:
        """Multiples of the rate that spends the budget exactly."""
        return "x"

    @property
    def text(self) -> str:
        """The objective, and in how much time how much of it may be spent."""
        return f"{self.objective.sli} >= {self.objective.objective:g} over {_lasting(self.objective.window_seconds)}"

    @property
    def patience(self) -> Patience:
        """At once: the windows are the patience."""
        return Patience(0.0, 0.0)

    def look(self, evidence: Evidence, at: float) -> Found:
        """The burn in both windows that end then; the lower of the two is what counts."""
        ledger = evidence.ledgers[str(self.objective.sli)]
        found = burned(ledger, self.objective.objective, self.burn, at)
        if found.long is None or found.short is None:
            return Found("no_data", None, f"nothing was measured in the last {_lasting(self.burn.short_seconds)}")
        reason = (
            f"burns {found.long:.3g}x over {_lasting(self.burn.long_seconds)},"
            f" {found.short:.3g}x over {_lasting(self.burn.short_seconds)}; fires at {self.burn.factor:.3g}x of both"
        )
        return Found(found.condition, min(found.long, found.short), reason)


def rules_of(budgets: Budgets) -> tuple[Rule, ...]:
    """Everything that these files make us watch; those of one name are told apart by a number."""
    found: list[Rule] = [BudgetRule(budget.title, budget) for budget in budgets.checks]
    for objective in budgets.objectives:
        burns = burns_of(objective.window_seconds, objective.objective)
        found.extend(BurnRule(f"{objective.name} burn {burn.name}", objective, burn) for burn in burns)
    return _told_apart(found)


def _told_apart(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    seen: dict[str, int] = {}
    made: list[Rule] = []
    for rule in rules:
        seen[rule.name] = number = seen.get(rule.name, 0) + 1
        made.append(rule if number == 1 else replace(rule, name=f"{rule.name} ({number})"))  # type: ignore[type-var]
    return tuple(made)


def _lasting(seconds: float) -> str:
    """`5 min`, `1 h`, `3 d`."""
    for size, unit in ((86_400.0, "d"), (3600.0, "h")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return format_duration_ms(seconds * 1000)
