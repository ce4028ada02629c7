"""What statements of one shape cost, of millions of statements, in flat memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from heapq import heappush, heapreplace
from math import sqrt

from perfctl.db.logs.following import Executed
from perfctl.db.logs.record import Record
from perfctl.db.logs.sketch import Sketch
from perfctl.db.sqltext import fingerprint

MAX_SHAPES = 5_000
"""As many as pg_stat_statements keeps by default; of more, those that took the least time go."""
_KEPT_SHAPES = 4_000
_MAX_KNOWN = 20_000
_MAX_KNOWN_LENGTH = 4_096
_MAX_TEXT = 8_192
_MAX_PLAN = 262_144
_MAX_PLANS = 32 << 20
"""Characters of all plans together."""
_SAMPLES = 3
_FOLD = 256
_OURS = "/* perfctl */"
"""What perfctl's own statements have in them."""
_MAX_NAMES = 64

# Texts that are the same but for these have the same fingerprint: strings, numbers, comments. Names in quotes are
# matched so that an apostrophe within them begins no string. What this cannot tell apart is looked at in full.
_NUMBER = r"(?<![\w$])[0-9]+(?:\.[0-9]+)?"
_ESCAPED = r"(?<!\w)[eE]'(?:[^'\\]++|\\.|'')*+'"
_VALUES = re.compile(rf"'[^']*+'|{_NUMBER}")
_MORE_VALUES = re.compile(rf"""("[^"]*+")|{_ESCAPED}|'[^']*+'|{_NUMBER}""", re.DOTALL)
_COMMENTS = re.compile(
    rf"""({_ESCAPED}|'[^']*+'|"[^"]*+")|/\*[^*/]*+(?:(?:\*(?!/)|/(?!\*))[^*/]*+)*+\*/|--[^\n]*+""", re.DOTALL
)
_HARD = re.compile(r"\$(?![0-9])|\0|'[ \t]*[\n\r]\s*'")
"""Dollar quotes, and strings of several parts."""


def cheap_key(sql: str) -> str | None:
    """A text that is the same only for statements of one fingerprint; None where that would take a closer look.

    >>> cheap_key("SELECT 'a', 5") == cheap_key("SELECT 'b', 6")
    True
    """
    if _HARD.search(sql):
        return None
    if "/*" in sql or "--" in sql:
        sql = _COMMENTS.sub(r"\1 ", sql)
    key = _MORE_VALUES.sub("\\1\0", sql) if '"' in sql or "\\" in sql else _VALUES.sub("\0", sql)
    return None if "'" in key or "/*" in key or "*/" in key else key


class Shape:
    """One shape of statement and what it cost."""

    __slots__ = (
        "_new", "_timed", "applications", "calls", "databases", "failed", "fingerprint", "first", "is_ours", "last",
        "max_ms", "mean_ms", "min_ms", "plan", "plan_ms", "queryid", "samples", "sketch", "spread", "temp_bytes",
        "text", "threshold", "users",
    )  # fmt: skip

    def __init__(self, key: str, sql: str, record: Record) -> None:
        self.fingerprint = key
        self.text = sql.strip("; \t\r\n")[:_MAX_TEXT]
        self.is_ours = _OURS in sql
        self.first = self.last = record.at
        self.queryid = record.queryid
        self.calls = self._timed = self.failed = self.temp_bytes = 0
        self.mean_ms = self.spread = self.max_ms = 0.0
        self.min_ms = float("inf")
        self.users: set[str] = set()
        self.databases: set[str] = set()
        self.applications: set[str] = set()
        self.sketch = Sketch()
        self.samples: list[tuple[float, int, str, str]] = []
        """The slowest calls: time, number, text, DETAIL; the fastest of them first."""
        self.threshold = -1.0
        self.plan = ""
        self.plan_ms = -1.0
        self._new: list[float] = []

    @property
    def timed(self) -> int:
        """Calls whose time is known."""
        self.fold()
        return self._timed

    @property
    def total_ms(self) -> float:
        """The time of all calls that were timed."""
        return self.timed * self.mean_ms  # its count first: that folds

    @property
    def stddev_ms(self) -> float:
        """Of all calls, as pg_stat_statements has it."""
        return sqrt(self.spread / self.timed) if self.timed else 0.0

    def add(self, executed: Executed) -> None:
        """Count a call."""
        sql, took_ms, record = executed.sql, executed.took_ms, executed.record
        self.calls += 1
        self.last = record.at
        if len(self.users) + len(self.databases) + len(self.applications) < _MAX_NAMES:
            self.users.add(record.user)
            self.databases.add(record.database)
            self.applications.add(record.application)
        if took_ms is None:
            return
        self._new.append(took_ms)
        if took_ms > self.threshold:
            self._sample(took_ms, sql, record.detail)
        if len(self._new) == _FOLD:
            self.fold()

    def fold(self) -> None:
        """Put the times that came since into the counters: mean and spread as Chan, Golub, LeVeque (1979) join them."""
        new = self._new
        if not new:
            return
        count, before = len(new), self._timed
        mean = sum(new) / count
        off = mean - self.mean_ms
        self._timed = both = before + count
        self.mean_ms += off * count / both
        self.spread += sum((time - mean) ** 2 for time in new) + off * off * before * count / both
        self.min_ms, self.max_ms = min(self.min_ms, *new), max(self.max_ms, *new)
        self.sketch.add(new)
        self._new = []

    def _sample(self, took_ms: float, sql: str, detail: str) -> None:
        if len(sql) + len(detail) > _MAX_TEXT:
            return
        sample = (took_ms, self.calls, sql, detail)
        if len(self.samples) < _SAMPLES:
            heappush(self.samples, sample)
        else:
            heapreplace(self.samples, sample)
            self.threshold = self.samples[0][0]


class Shapes:
    """All shapes of a log, at most MAX_SHAPES at a time."""

    def __init__(self) -> None:
        self.evicted = 0
        self.evicted_calls = 0
        self.evicted_ms = 0.0
        self._shapes: dict[str, Shape] = {}
        self._known: dict[str, Shape] = {}
        """By text, and by cheap key."""
        self._plan_size = 0

    def __iter__(self) -> Iterator[Shape]:
        return iter(self._shapes.values())

    def __len__(self) -> int:
        return len(self._shapes)

    def of(self, sql: str, record: Record) -> Shape:
        """The shape of a statement."""
        known = self._known.get(sql)
        if known is not None:
            return known
        key = cheap_key(sql)
        shape = self._known.get(key) if key is not None else None
        if shape is None:
            shape = self._fingerprinted(sql, record)
            if key is not None:
                self._remember(key, shape)
        self._remember(sql, shape)
        return shape

    def seen(self, sql: str) -> Shape | None:
        """The shape of a statement, where one of it was counted."""
        return self._known.get(sql) or self._shapes.get(fingerprint(sql))

    def attach(self, shape: Shape, plan: str, took_ms: float) -> None:
        """Keep the plan where its call was the slowest of those of its shape that have one."""
        if took_ms <= shape.plan_ms or len(plan) > _MAX_PLAN:
            return
        self._plan_size += len(plan) - len(shape.plan)
        shape.plan, shape.plan_ms = plan, took_ms
        if self._plan_size > _MAX_PLANS:
            self._drop_plans()

    def _drop_plans(self) -> None:
        """Let the plans go of the half of all shapes whose planned calls were the fastest."""
        planned = sorted((shape for shape in self if shape.plan), key=lambda shape: shape.plan_ms)
        for shape in planned[: len(planned) // 2 + 1]:
            shape.plan = ""
        self._plan_size = sum(len(shape.plan) for shape in self)

    def _fingerprinted(self, sql: str, record: Record) -> Shape:
        found = fingerprint(sql)
        shape = self._shapes.get(found)
        if shape is None:
            if len(self._shapes) >= MAX_SHAPES:
                self._evict()
            shape = self._shapes[found] = Shape(found, sql, record)
        return shape

    def _remember(self, text: str, shape: Shape) -> None:
        if len(text) > _MAX_KNOWN_LENGTH:
            return
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[text] = shape

    def _evict(self) -> None:
        """Let those go that took the least time; what they took is counted on."""
        by_time = sorted(self._shapes.items(), key=lambda item: item[1].total_ms, reverse=True)
        for _, shape in by_time[_KEPT_SHAPES:]:
            self.evicted += 1
            self.evicted_calls += shape.calls
            self.evicted_ms += shape.total_ms
        self._shapes = dict(by_time[:_KEPT_SHAPES])
        self._known.clear()
