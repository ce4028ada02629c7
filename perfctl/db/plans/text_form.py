"""EXPLAIN's text, turned into the shape of its JSON form: so that one reader makes the same tree of both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from perfctl.db.plans.nodes import MAX_DEPTH, MAX_NODES
from perfctl.db.plans.text_defaults import complete
from perfctl.db.plans.text_label import figures_of, is_known, is_target, properties_of, target_of
from perfctl.db.plans.text_lines import open_quote, value_of
from perfctl.db.plans.text_top import SECTIONS, section_value, top_value
from perfctl.errors import UsageError

_ARROW = "->"
_PROPERTY = re.compile(r"([A-Z][\w/ -]*?): ?(.*)", re.DOTALL)
_WORKER = re.compile(r"Worker (\d{1,9}): +(.*)", re.DOTALL)
_WORKER_ACTUAL = re.compile(r"actual (?:time=(\d+\.\d+)\.\.(\d+\.\d+) )?rows=(\d+(?:\.\d+)?) loops=(\d+)")
_SUBPLAN = re.compile(r"(?:InitPlan|SubPlan|CTE) \S.*", re.DOTALL)
_PROLOGUE = ("Query Text", "Query Parameters")
_LARGEST = 1e300
_MISFIT = "is not a line of a plan"
_HINT = "give the whole of what EXPLAIN printed, with its indentation"


@dataclass(slots=True)
class _Open:
    """A node whose lines are being read."""

    column: int
    """Where its name begins: what is further right belongs to it."""
    values: dict[str, Any]


@dataclass(slots=True)
class _Reader:
    """The plan as far as it was read."""

    top: dict[str, Any] = field(default_factory=dict)
    path: list[_Open] = field(default_factory=list)
    """The nodes from the root to the one whose lines are being read."""
    margin: int = 0
    """The column of the root; what stands there after it is about the whole plan."""
    nodes: int = 0
    subplan: str | None = None
    """The name that the next node has as a subplan of the one above it."""
    section: str | None = None
    worker: _Open | None = None

    def take(self, column: int, line: str) -> None:
        """One line; ValueError with what is wrong with it."""
        if line.startswith(_ARROW):
            self._node(column, line[len(_ARROW) :])
        elif not self.path:
            self._root(column, line)
        elif column <= self.margin:
            self._whole(line)
        elif self.section is not None:
            self._in_section(line)
        else:
            self._property(column, line)

    def _root(self, column: int, line: str) -> None:
        figures = figures_of(line)
        if not figures.has_any and not is_known(figures.label):
            raise ValueError(_MISFIT)
        self.margin, self.nodes = column, 1
        self.top["Plan"] = properties_of(figures.label) | _finite(figures.values)
        self.path = [_Open(column, self.top["Plan"])]

    def _node(self, column: int, rest: str) -> None:
        if not self.path:
            raise ValueError("is a node under none")
        above = self._owner(column)
        label = rest.lstrip()
        figures = figures_of(label)
        self.nodes += 1
        if len(self.path) > MAX_DEPTH:
            raise ValueError(f"has more than {MAX_DEPTH} nodes above it")
        if self.nodes > MAX_NODES:
            raise ValueError(f"is one node more than {MAX_NODES}")
        node = properties_of(figures.label) | _finite(figures.values)
        if self.subplan is not None:
            node["Subplan Name"], self.subplan = self.subplan, None
        above.values.setdefault("Plans", []).append(node)
        self.path.append(_Open(column + len(_ARROW) + len(rest) - len(label), node))
        self.worker = self.section = None

    def _owner(self, column: int) -> _Open:
        """The innermost node whose name begins left of the column."""
        while len(self.path) > 1 and self.path[-1].column >= column:
            self.path.pop()
            self.worker = None
        if self.path[-1].column >= column:
            raise ValueError("is a node left of the one that it hangs under: was its indentation lost?")
        return self.path[-1]

    def _whole(self, line: str) -> None:
        values = top_value(line)
        _finite(values or {})
        if values is None:
            raise ValueError("begins a second plan" if figures_of(line).has_any else _MISFIT)
        if "Triggers" in values:
            self.top.setdefault("Triggers", []).extend(values["Triggers"])
        else:
            self.top |= values
        self.section = next((name for name in SECTIONS if name in values), None)

    def _in_section(self, line: str) -> None:
        section = self.section or ""
        self.top[section] |= _finite(section_value(section, line))

    def _property(self, column: int, line: str) -> None:
        node = self._owner(column)
        if found := _WORKER.fullmatch(line):
            self._begin_worker(node, column, int(found[1]))
            line = found[2]
            if not line or self._measured(line):
                return
        elif self.worker is not None and column <= self.worker.column:
            self.worker = None
        self._say(node, line)

    def _begin_worker(self, node: _Open, column: int, number: int) -> None:
        workers = node.values.setdefault("Workers", [])
        known = next((worker for worker in workers if worker["Worker Number"] == number), None)
        if known is None:
            known = {"Worker Number": number}
            workers.append(known)
        self.worker = _Open(column, known)

    def _measured(self, line: str) -> bool:
        found = _WORKER_ACTUAL.fullmatch(line)
        if found is None or self.worker is None:
            return False
        startup, total, rows, loops = found.groups()
        if startup:
            self.worker.values |= {"Actual Startup Time": float(startup), "Actual Total Time": float(total)}
        self.worker.values |= {"Actual Rows": float(rows), "Actual Loops": float(loops)}
        return True

    def _say(self, node: _Open, line: str) -> None:
        """One line of a node, or of a worker in it."""
        found = _PROPERTY.fullmatch(line)
        if _SUBPLAN.fullmatch(line):
            self.subplan = line
        elif found is None and is_target(line):
            node.values.setdefault("Target Tables", []).append(target_of(line))
        elif found is None:
            raise ValueError(_MISFIT)
        elif self.worker is not None and found[1] in ("JIT", "Functions", "Options", "Timing"):
            return
        else:
            self._keep(node.values if self.worker is None else self.worker.values, found[1], found[2])

    def _keep(self, values: dict[str, Any], key: str, text: str) -> None:
        try:
            said = _finite(value_of(key, text))
        except ValueError as error:
            raise ValueError(f"has no value that {key!r} has ({error})") from error
        if values.get("Node Type") == "Aggregate" and key in ("Group Key", "Hash Key", "Sort Key"):
            values.setdefault("Grouping Sets", []).append((key, said[key]))
        else:
            values |= said


def document_of(content: str) -> dict[str, Any]:
    """The document that EXPLAIN (FORMAT JSON) would have printed. UsageError names the line that is in the way."""
    lines = _logical_lines(content)
    reader = _Reader()
    number = 0
    for number, column, line in lines:
        try:
            if not reader.path and (said := _prologue(line)):
                reader.top |= said
            else:
                reader.take(column, line)
        except ValueError as error:
            raise _at(number, line, str(error)) from error
    if "Plan" not in reader.top:
        raise UsageError("there is no plan in it: no line with costs or a node's name", hint=_HINT)
    complete(reader.top)
    return reader.top


def _logical_lines(content: str) -> Iterator[tuple[int, int, str]]:
    """(number, column, text) of each line that says something; a text in quotes may go on over several."""
    lines = [_unfolded(line) for line in content.split("\n")]
    place = _start(lines)
    yield from _query_text(lines, place)
    while place < len(lines):
        number, line = place + 1, lines[place]
        text = line.strip()
        place = _end(lines, place)
        if not text or (text.startswith("Time: ") and line.startswith("Time: ")):
            continue
        if place > number:
            text = "\n".join((line.lstrip(), *lines[number:place])).rstrip()
        yield number, len(line) - len(line.lstrip()), text


def _unfolded(line: str) -> str:
    """The line with its indentation in blanks; what stands in the text stays."""
    text = line.lstrip()
    return line[: len(line) - len(text)].expandtabs(8) + text


def _end(lines: list[str], place: int) -> int:
    """The line behind this one's: further down where a quote of its value is closed there, before the next node."""
    found = _PROPERTY.match(lines[place].lstrip())
    quote = open_quote(found[2]) if found else ""
    if not quote:
        return place + 1
    for below in range(place + 1, len(lines)):
        if lines[below].lstrip().startswith(_ARROW) and figures_of(lines[below]).has_any:
            break
        quote = open_quote(lines[below], quote)
        if not quote:
            return below + 1
    return place + 1


def _start(lines: list[str]) -> int:
    """The line of the root: the first with costs, or with a node's name where there are none."""
    named: int | None = None
    for place, line in enumerate(lines):
        text = line.strip()
        if text.startswith(_ARROW):
            return place if named is None else named
        figures = figures_of(text) if text else None
        if figures is not None and figures.has_any:
            return place
        if figures is not None and named is None and is_known(figures.label):
            named = place
    if named is not None:
        return named
    return next((place for place, line in enumerate(lines) if line.strip() and not _prologue(line.strip())), 0)


def _query_text(lines: list[str], end: int) -> Iterator[tuple[int, int, str]]:
    """What auto_explain logs above the root: the statement, over as many lines as it has, and its parameters."""
    begin: int | None = None
    for place in range(end + 1):
        is_next = place == end or lines[place].lstrip().startswith(tuple(f"{name}: " for name in _PROLOGUE))
        if is_next and begin is not None:
            yield begin + 1, 0, "\n".join(lines[begin:place]).strip()
        if is_next:
            begin = place if place < end else None


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """The values. ValueError where a number is none that a plan has."""
    for value in values.values():
        if isinstance(value, dict):
            _finite(value)
        elif isinstance(value, (int, float)) and not value < _LARGEST:
            raise ValueError("the number is too large")
    return values


def _prologue(line: str) -> dict[str, str] | None:
    key, colon, text = line.partition(": ")
    return {key: text} if colon and key in _PROLOGUE else None


def _at(number: int, line: str, what: str) -> UsageError:
    said = " ".join(line.split())
    said = said if len(said) <= 60 else said[:59] + "…"
    return UsageError(f"the plan's line {number} {what}: {said!r}", hint=_HINT)
