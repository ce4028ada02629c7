"""From messages to executions: times find their statements, plans their calls, and the rest is counted."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from perfctl.db.logs import events
from perfctl.db.logs.bound import inner, prepared
from perfctl.db.logs.record import Record, Tally

MAX_WAITING = 10_000
"""Sessions whose last statement waits for its time; of more, the oldest is counted without one."""
MAX_PLANNED = 256
"""Sessions with plans that wait for the line of their statement."""
MAX_PLANS = 8
"""Plans of one session that wait."""

_TIMED = re.compile(
    r"duration: (\d{1,15}(?:\.\d*)?) ms"
    r"(?:  (?:(?P<statement>statement): |(?P<execute>execute)[^:]*: |(?P<parse>parse)[^:]*: |(?P<bind>bind)[^:]*: "
    r"|(?P<plan>plan):\n?)|(?P<alone>\s*)\Z)"
)
_STARTED = re.compile(r"(?P<statement>statement): |(?P<execute>execute) [^:]*: ")
_DEALLOCATE = "DEALLOCATE"
_TEXT_OF_PLAN = re.compile(r"\s*Query Text: (.*?)(?=\nQuery Parameters: |\n[^\n]*\(cost=|\Z)", re.DOTALL)
_QUOTED_IN_PLAN = re.compile(r'\s*(?:\{\s*"Query Text"|Query Text): ("(?:[^"\\]|\\.)*+")', re.DOTALL)
"""In JSON and YAML, which are escaped alike."""
_XML_OF_PLAN = re.compile(r"\s*<explain[^>]*>\s*<Query-Text>(.*?)</Query-Text>", re.DOTALL)

Kind = Literal["statement", "execute", "parse", "bind", "plan", "attached", "temp", "failed"]


class Executed(NamedTuple):
    """One statement that ran, or something that happened to one."""

    kind: Kind
    """`attached`: the plan of an execution before it; `temp`: a temporary file; `failed`: it ended in an error."""
    sql: str
    took_ms: float | None
    record: Record
    plan: str = ""
    size_bytes: int = 0


class Follower:
    """Follows the sessions of a log through its messages."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._waiting: dict[str, Executed] = {}
        """By session: a statement that log_statement wrote when it began."""
        self._plans: dict[str, list[Executed]] = {}
        """By session: plans; they stand before the line of a simple statement, and behind that of a prepared one."""
        self._last: dict[str, int] = {}
        """By session: the hash of the prepared statement that it executed last; kept where there are plans."""

    def executions(self, records: Iterable[Record]) -> list[Executed]:
        """What ran, in the order of the messages that say so."""
        out: list[Executed] = []
        for record in records:
            message = record.message
            if message.startswith("duration: "):
                self._timed(record, message, out)
            elif message.startswith(("statement: ", "execute ")) and record.severity == "LOG":
                self._started(record, message, out)
            else:
                self._other(record, out)
        return out

    def rest(self) -> list[Executed]:
        """At the end: statements that never got their time, and plans that never met their statement's own line."""
        out = list(self._waiting.values())
        out += [plan for plans in self._plans.values() for plan in plans]
        self._waiting.clear()
        self._plans.clear()
        return out

    def _timed(self, record: Record, message: str, out: list[Executed]) -> None:
        match = _TIMED.match(message)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            return
        took_ms = float(match[1])
        if kind in ("statement", "execute"):
            self._executed(Executed(kind, message[match.end() :], took_ms, record), out)  # type: ignore[arg-type]
        elif kind == "alone":
            self._named(record, took_ms, out)
        elif kind == "plan":
            self._planned(record, message[match.end() :], took_ms, out)
        else:
            out.append(Executed(kind, message[match.end() :], took_ms, record))  # type: ignore[arg-type]

    def _executed(self, executed: Executed, out: list[Executed]) -> None:
        session = executed.record.session
        if session in self._waiting:
            out.append(self._waiting.pop(session))
        if executed.sql.startswith(_DEALLOCATE):
            return
        if executed.record.detail.startswith("prepare:"):
            executed = executed._replace(sql=prepared(executed.sql, executed.record.detail))
        if self._plans:
            executed = self._with_plan(executed, out)
        if self._tally.plans and executed.kind == "execute":
            self._last[session] = hash(_bare(executed.sql))
        out.append(executed)

    def _started(self, record: Record, message: str, out: list[Executed]) -> None:
        match = _STARTED.match(message)
        if match is None:
            return
        session = record.session
        if session in self._waiting:
            out.append(self._waiting.pop(session))
        sql = prepared(message[match.end() :], record.detail)
        if sql.startswith(_DEALLOCATE):
            return
        started = Executed(match.lastgroup or "statement", sql, None, record)  # type: ignore[arg-type]
        if not session:
            out.append(started)
            return
        self._waiting[session] = started
        if len(self._waiting) > MAX_WAITING:
            out.append(self._waiting.pop(next(iter(self._waiting))))

    def _named(self, record: Record, took_ms: float, out: list[Executed]) -> None:
        """A time alone: it is that of the statement which the session began, if there is one."""
        started = self._waiting.pop(record.session, None)
        if started is None:
            self._tally.unnamed_durations += 1
            self._tally.unnamed_ms += took_ms
        else:
            self._executed(started._replace(took_ms=took_ms), out)

    def _planned(self, record: Record, plan: str, took_ms: float, out: list[Executed]) -> None:
        self._tally.plans += 1
        planned = Executed("plan", _sql_of(plan), took_ms, record, plan)
        if self._last.pop(record.session, None) == hash(_bare(planned.sql)):
            out.append(planned._replace(kind="attached"))
            return
        plans = self._plans.setdefault(record.session, [])
        plans.append(planned)
        if len(plans) > MAX_PLANS:
            out.append(plans.pop(0))
        if len(self._plans) > MAX_PLANNED:
            out += self._plans.pop(next(iter(self._plans)))

    def _with_plan(self, executed: Executed, out: list[Executed]) -> Executed:
        """The execution with the plan of its own text that waits; other plans of the session ran by themselves."""
        plans = self._plans.pop(executed.record.session, [])
        text = _bare(executed.sql)
        own = [plan for plan in plans if _bare(plan.sql) == text]
        out += [plan for plan in plans if _bare(plan.sql) != text]
        return executed._replace(plan=max(own, key=lambda plan: plan.took_ms or 0.0).plan) if own else executed

    def _other(self, record: Record, out: list[Executed]) -> None:
        events.count(record, self._tally)
        if record.severity in ("ERROR", "FATAL", "PANIC"):
            self._waiting.pop(record.session, None)
            if record.statement:
                out.append(Executed("failed", record.statement, None, record))
        elif record.statement and (size := events.temp_file_bytes(record.message)) is not None:
            out.append(Executed("temp", record.statement, None, record, size_bytes=size))
        elif record.message.startswith("disconnection: "):
            self._last.pop(record.session, None)


def _bare(sql: str) -> str:
    """The text as it can be compared: a plan of EXECUTE has the text of its PREPARE."""
    return inner(sql).strip("; \t\r\n")


def _sql_of(plan: str) -> str:
    """The statement that a plan of auto_explain is of, in any of its formats; empty where it has none."""
    match = _QUOTED_IN_PLAN.match(plan)
    if match is not None:
        try:
            return str(json.loads(match[1], strict=False))
        except ValueError:
            return ""
    match = _XML_OF_PLAN.match(plan)
    if match is not None:
        return html.unescape(match[1])
    match = _TEXT_OF_PLAN.match(plan)
    return match[1] if match is not None else ""
