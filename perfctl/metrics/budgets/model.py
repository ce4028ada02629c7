"""The words of budgets: what is measured, what it may be, what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perfctl.metrics.budgets.measures import shown_number

Operator = Literal["<", "<=", ">", ">=", "==", "!="]
Severity = Literal["page", "ticket"]
"""`page`: somebody has to look now. `ticket`: somebody has to look on a working day."""
Verdict = Literal["pass", "breach", "no_data"]

SEVERITIES: tuple[Severity, ...] = ("page", "ticket")
MONTH_SECONDS = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Within:
    """The condition inside of `share(http.request.duration <= 200ms)`."""

    operator: Operator
    limit: float
    """In the metric's own unit."""
    unit: str
    """As it was written."""
    written: float
    """The number as it was written, in `unit`."""

    def __str__(self) -> str:
        return f"{self.operator} {shown_number(self.written)}{self.unit}"


@dataclass(frozen=True, slots=True)
class Expression:
    """What is measured: a metric, its labels, and what is made of it.

    `str()` is the canonical text, which parses to the same expression.
    """

    metric: str
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted by name; a series has to have all of them."""
    statistic: str | None = None
    """`p95`, `mean`, `max`, `min`, `rate`, `count`, `sum`, `share`; None for what is one number already."""
    within: Within | None = None
    """The condition of a `share`."""
    complement: bool = False
    """`1 - ...`: the good share where the metric counts the bad one."""
    unit: str = ""
    """The unit of its value: of the metric, or what the statistic makes of it."""

    def __str__(self) -> str:
        labels = ", ".join(f"{name}={_label(value)}" for name, value in self.labels)
        selector = self.metric + (f"{{{labels}}}" if labels else "")
        inner = f"{selector} {self.within}" if self.within else selector
        text = f"{self.statistic}({inner})" if self.statistic else selector
        return f"1 - {text}" if self.complement else text


@dataclass(frozen=True, slots=True)
class Budget:
    """What should hold: a value, an operator, a limit.

    `str()` is the canonical text, which parses to an equal budget (without name, severity and place).
    """

    expression: Expression
    operator: Operator
    limit: float
    """In the unit of the expression's value: seconds where the text says 50ms."""
    unit: str
    """Of the limit, as it was written."""
    written: float
    """The limit as it was written, in `unit`."""
    for_seconds: float = 0.0
    """How long it has to be broken without a break before it counts."""
    severity: Severity = "page"
    name: str = ""
    """What it is called; by default its own text."""
    window_seconds: float | None = None
    """Over what time the value is taken; None: what the asker says."""
    where: str | None = None
    """`file:line:col`, where it stands in a file."""

    def __str__(self) -> str:
        text = f"{self.expression} {self.operator} {shown_number(self.written)}{self.unit}"
        return f"{text} for {_lasting(self.for_seconds)}" if self.for_seconds else text

    @property
    def title(self) -> str:
        """Its name, else its text."""
        return self.name or str(self)

    def holds(self, value: float) -> bool:
        """Whether a value is within it."""
        return holds(value, self.operator, self.limit)


@dataclass(frozen=True, slots=True)
class Objective:
    """A share that should be good over a long window: a service level objective."""

    name: str
    sli: Expression
    """The good share, 0..1."""
    objective: float
    """What it should be at least, such as 0.999."""
    window_seconds: float = MONTH_SECONDS
    where: str | None = None

    @property
    def budget(self) -> Budget:
        """The objective as a budget over its window."""
        return Budget(
            self.sli,
            ">=",
            self.objective,
            "",
            self.objective,
            severity="ticket",
            name=self.name,
            window_seconds=self.window_seconds,
            where=self.where,
        )


@dataclass(frozen=True, slots=True)
class Budgets:
    """What one or several files hold."""

    checks: tuple[Budget, ...] = ()
    objectives: tuple[Objective, ...] = ()

    def __add__(self, other: Budgets) -> Budgets:
        return Budgets(self.checks + other.checks, self.objectives + other.objectives)


@dataclass(frozen=True, slots=True)
class Judged:
    """A budget and what became of it."""

    budget: Budget
    verdict: Verdict
    observed: float | None
    """In the unit of the expression's value; None where there is none."""
    reason: str
    """What was found in words; where there is no value, why."""
    since: float | None = None
    """Unix seconds from which on it is broken without a break; None where it holds now."""


def holds(value: float, operator: Operator, limit: float) -> bool:
    """Whether `value operator limit` is true."""
    return {
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
        "==": value == limit,
        "!=": value != limit,
    }[operator]


def _label(value: str) -> str:
    from perfctl.metrics.budgets.grammar import is_bare

    if is_bare(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _lasting(seconds: float) -> str:
    """`5m`, `90s`: the largest unit in which it is a whole number."""
    scales = (("d", 86_400), ("h", 3600), ("m", 60))
    unit, scale = next((each for each in scales if seconds % each[1] == 0), ("s", 1))
    return f"{shown_number(seconds / scale)}{unit}"
