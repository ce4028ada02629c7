"""Files of budgets: YAML in which every fault has its file, line and column, all of them in one error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from perfctl.config.fault import Fault, Mark, did_you_mean, shortened
from perfctl.config.nodes import Mapping, Node, Scalar, compose
from perfctl.config.nodes import Sequence as ListNode
from perfctl.config.source import read_text
from perfctl.config.values import Findings, entries
from perfctl.errors import UsageError
from perfctl.metrics.budgets.grammar import BudgetError, parse, parse_expression
from perfctl.metrics.budgets.measures import is_share
from perfctl.metrics.budgets.model import MONTH_SECONDS, SEVERITIES, Budget, Budgets, Expression, Objective
from perfctl.units import parse_duration

_CHECK_KEYS = ("expr", "for", "severity", "name")
_OBJECTIVE_KEYS = ("name", "objective", "sli", "window")
_EXAMPLE = "{expr: cache.hit_ratio >= 0.95, for: 5m, severity: page, name: hits}"
_SHOWN_AT_MOST = 20


def read_budgets(path: Path | str) -> Budgets:
    """The budgets and objectives of a file.

    UsageError (exit 2) lists every fault with file:line:col: unknown keys and metrics, with what was meant.
    """
    text = read_text(Path(path))
    if isinstance(text, Fault):
        raise _error([text])
    return budgets_of(text, str(path))


def read_all(paths: Iterable[Path | str]) -> Budgets:
    """Those of several files, one after the other. UsageError as `read_budgets`."""
    found = Budgets()
    for path in paths:
        found += read_budgets(path)
    return found


def budgets_of(text: str, file: str) -> Budgets:
    """The budgets of a text that stands in `file`. UsageError as `read_budgets`."""
    tree = compose(text, file)
    if isinstance(tree, Fault):
        raise _error([tree])
    reader = _Reader()
    found = reader.budgets(tree)
    if reader.found.faults:
        raise _error(reader.found.faults)
    return found


def _error(faults: Sequence[Fault]) -> UsageError:
    first = faults[0]
    if len(faults) == 1:
        return UsageError(f"{first.where}: {first.message}", hint=first.hint, where=first.where)
    lines = [str(fault) for fault in faults[:_SHOWN_AT_MOST]]
    more = [f"and {len(faults) - _SHOWN_AT_MOST} more"] if len(faults) > _SHOWN_AT_MOST else []
    listed = "\n  ".join([*lines, *more])
    return UsageError(f"{len(faults)} faults in the budgets\n  {listed}", hint="mend them all", where=first.where)


class _Reader:
    """Walks one tree and gathers what it holds and what is wrong."""

    def __init__(self) -> None:
        self.found = Findings()

    def budgets(self, tree: Node) -> Budgets:
        if not isinstance(tree, Mapping):
            self.found.fault(tree.mark, "the file is not a mapping", f"write checks: [{_EXAMPLE}]")
            return Budgets()
        checks: tuple[Budget, ...] = ()
        objectives: tuple[Objective, ...] = ()
        for key, value in entries(tree, ("version", "checks", "objectives"), "", self.found):
            if key.text == "checks":
                checks = tuple(self._each(value, "checks", self._check))
            elif key.text == "objectives":
                objectives = tuple(self._each(value, "objectives", self._objective))
            elif not (isinstance(value, Scalar) and value.text == "1"):
                self.found.fault(value.mark, "version: this version is not known", "write 1")
        if not checks and not objectives and not self.found.faults:
            self.found.fault(tree.mark, "there is no budget in it", f"write checks: [{_EXAMPLE}]")
        self._names_once([*checks, *objectives])
        return Budgets(checks, objectives)

    def _each(self, node: Node, key: str, made: Any) -> list[Any]:
        if isinstance(node, Scalar) and node.kind == "null":
            return []
        if not isinstance(node, ListNode):
            self.found.fault(node.mark, f"{key}: this is not a list", f"begin each with a dash: - {_EXAMPLE}")
            return []
        found = (made(item) for item in node.items)
        return [each for each in found if each is not None]

    def _check(self, node: Node) -> Budget | None:
        if isinstance(node, Scalar):
            return self._budget(node)
        fields = self._fields(node, _CHECK_KEYS, "checks")
        if fields is None:
            return None
        budget = self._budget(fields.get("expr"), node)
        seconds = self._seconds(fields.get("for"), "for")
        severity = self._severity(fields.get("severity"))
        name = (self._text(fields["name"], "name") or "") if "name" in fields else ""
        if budget is None:
            return None
        if seconds and budget.for_seconds:
            self.found.fault(fields["for"].mark, "for: the expression has one, too", "keep one")
        return replace(budget, for_seconds=seconds or budget.for_seconds, severity=severity, name=name)

    def _budget(self, node: Node | None, around: Node | None = None) -> Budget | None:
        if node is None:
            mark = around.mark if around is not None else ""
            self.found.fault(mark, "expr is missing", "such as expr: cache.hit_ratio >= 0.95")
            return None
        text = self._text(node, "expr")
        if text is None:
            return None
        try:
            return replace(parse(text), where=str(node.mark))
        except BudgetError as error:
            self._at_column(node, error)
            return None

    def _objective(self, node: Node) -> Objective | None:
        fields = self._fields(node, _OBJECTIVE_KEYS, "objectives")
        if fields is None:
            return None
        missing = [key for key in ("name", "objective", "sli") if key not in fields]
        if missing:
            self.found.fault(node.mark, f"{' and '.join(missing)} of the objective missing", "write all three")
            return None
        name = self._text(fields["name"], "name")
        share = self._share(fields["objective"])
        sli = self._sli(fields["sli"])
        window = self._seconds(fields.get("window"), "window") or MONTH_SECONDS
        if name is None or share is None or sli is None:
            return None
        return Objective(name, sli, share, window, where=str(node.mark))

    def _sli(self, node: Node) -> Expression | None:
        text = self._text(node, "sli")
        if text is None:
            return None
        try:
            expression = parse_expression(text)
        except BudgetError as error:
            self._at_column(node, error)
            return None
        if not is_share(expression.unit):
            hint = "such as share(http.request.duration <= 200ms) or 1 - http.error_ratio"
            self.found.fault(node.mark, "sli: this is no share of 0..1", hint)
            return None
        return expression

    def _share(self, node: Node) -> float | None:
        text = node.text.strip() if isinstance(node, Scalar) else ""
        scale = 0.01 if text.endswith("%") else 1.0
        try:
            share = float(text.removesuffix("%")) * scale
        except ValueError:
            share = -1.0
        if not 0 < share < 1:
            hint = "write a share below 1 such as 0.999, or 99.9%"
            self.found.fault(node.mark, "objective: this is no share between 0 and 1", hint)
            return None
        return float(f"{share:.12g}")

    def _fields(self, node: Node, known: tuple[str, ...], path: str) -> dict[str, Node] | None:
        if not isinstance(node, Mapping):
            self.found.fault(node.mark, f"{path}: an item is not a mapping", f"write its keys: {', '.join(known)}")
            return None
        return {key.text: value for key, value in entries(node, known, path, self.found)}

    def _severity(self, node: Node | None) -> Any:
        text = self._text(node, "severity") if node is not None else None
        if node is not None and text is not None and text not in SEVERITIES:
            hint = did_you_mean(text, SEVERITIES)
            self.found.fault(node.mark, f"severity: {shortened(text)} is not known", hint)
        return text if text in SEVERITIES else SEVERITIES[0]

    def _seconds(self, node: Node | None, key: str) -> float:
        if node is None:
            return 0.0
        text = node.text if isinstance(node, Scalar) else ""
        try:
            seconds = parse_duration(text, where=key)
        except UsageError as error:
            self.found.fault(node.mark, error.message, error.hint)
            return 0.0
        if seconds <= 0:
            self.found.fault(node.mark, f"{key}: it is not longer than 0", "write a duration such as 5m")
        return seconds

    def _text(self, node: Node | None, key: str) -> str | None:
        if not isinstance(node, Scalar) or not node.text.strip():
            self.found.fault(node.mark if node is not None else "", f"{key}: this is no text", "write it in quotes")
            return None
        return node.text

    def _at_column(self, node: Node, error: BudgetError) -> None:
        """The place within the file: a text on one line begins after its quote, if it has one."""
        mark: Mark = node.mark
        if isinstance(node, Scalar) and "\n" not in node.text:
            quote = 1 if node.end - node.start > len(node.text) else 0
            mark = mark._replace(column=mark.column + quote + error.column - 1)
        self.found.fault(mark, error.problem, error.hint)

    def _names_once(self, found: Sequence[Budget | Objective]) -> None:
        seen: dict[str, str | None] = {}
        for each in found:
            if each.name and each.name in seen:
                message = f"the name {shortened(each.name)} stands twice, first at {seen[each.name]}"
                self.found.fault(each.where, message, "alerts are told apart by it: name each its own way")
            seen.setdefault(each.name, each.where)
