"""The answer that every `doctor` and `health` gives: checks, each with what was observed and the one thing to mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Status = Literal["pass", "warn", "fail", "off"]
"""`off`: this part is not configured, so there is nothing to judge."""

_SEVERITY: dict[Status, int] = {"off": 0, "pass": 1, "warn": 2, "fail": 3}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    component: str
    """What was looked at: `redis`, `postgres`, `cdn.edge`, `disk` ..."""
    check: str
    """The question, in two or three words: `connect`, `tls`, `pg_stat_statements`."""
    status: Status
    observed: str
    """What was found, with its value."""
    fix: str | None = None
    """The one statement, setting or command that mends it."""
    took_ms: float | None = None
    value: float | None = None
    """What was measured, where it is one number."""
    unit: str | None = None
    """Of `value` and `threshold`: `ratio`, `seconds`, `bytes`, `count` ..."""
    threshold: float | None = None
    """The limit that the value has passed, or the first that it would pass."""
    objects: tuple[str, ...] = ()
    """What it is about, the worst first; not all where there are many."""
    database: str | None = None
    """Where it was looked at, if that is one database of several."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, the worst first, and what they come to."""

    listing: ClassVar[str] = "rows"

    status: Literal["pass", "warn", "fail"]
    rows: tuple[Check, ...]


def diagnose(checks: list[Check] | tuple[Check, ...]) -> Diagnosis:
    """Put the worst first, the rest in the order given, and judge the whole by its worst check."""
    worst = max((_SEVERITY[check.status] for check in checks), default=1)
    status: Literal["pass", "warn", "fail"] = "fail" if worst == 3 else "warn" if worst == 2 else "pass"
    return Diagnosis(status=status, rows=tuple(sorted(checks, key=lambda check: -_SEVERITY[check.status])))


def reaches(status: Status, least: Status) -> bool:
    """Whether a status is at least as grave as another.

    >>> reaches("warn", "fail"), reaches("fail", "warn"), reaches("off", "warn")
    (False, True, False)
    """
    return _SEVERITY[status] >= _SEVERITY[least]
