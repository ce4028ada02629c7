"""Budgets: what should hold of a metric, as one line of text; read, checked, and judged by what was recorded."""

from perfctl.metrics.budgets.grammar import BudgetError, parse, parse_expression
from perfctl.metrics.budgets.judging import Frames, judge, judge_frame, observed
from perfctl.metrics.budgets.model import Budget, Budgets, Expression, Judged, Objective
from perfctl.metrics.budgets.reading import budgets_of, read_all, read_budgets

__all__ = [
    "Budget",
    "BudgetError",
    "Budgets",
    "Expression",
    "Frames",
    "Judged",
    "Objective",
    "budgets_of",
    "judge",
    "judge_frame",
    "observed",
    "parse",
    "parse_expression",
    "read_all",
    "read_budgets",
]
