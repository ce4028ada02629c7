"""A report of a database: what doctor, check, slow, locks and settings say, at one time, in one result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from perfctl.db.model.activity import Activity, LockTree
from perfctl.db.model.plans import PlanReport
from perfctl.db.model.statements import SlowQueries
from perfctl.diagnosis import Diagnosis

ReportFormat = Literal["html", "markdown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedQuery:
    """One of the slow queries, and its plan."""

    query: str
    fingerprint: str
    total_ms: float
    plan: PlanReport | None
    reason: str | None
    """Why there is no plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSetting:
    """A setting that is not as PostgreSQL was built."""

    name: str
    setting: str
    """With its unit."""
    default: str
    source: str
    """Where it was set: `configuration file`, `database`, `user` ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The settings that are not as PostgreSQL was built."""

    listing: ClassVar[str] = "rows"

    rows: tuple[ServerSetting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSection:
    """A part of the report that could not be made."""

    section: str
    reason: str
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseReport:
    """Everything of a report; a part that could not be made is None, and `missing` says why."""

    server: str
    made_at: datetime
    status: Literal["pass", "warn", "fail"]
    """Of the checks and the doctor, the worse one."""
    doctor: Diagnosis | None
    check: Diagnosis | None
    slow: SlowQueries | None
    queries: tuple[ExplainedQuery, ...]
    locks: LockTree | None
    activity: Activity | None
    settings: ServerSettings | None
    missing: tuple[MissingSection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWritten:
    """What was written."""

    path: str
    format: ReportFormat
    size_bytes: int
    redacted: bool
    status: Literal["pass", "warn", "fail"]
    sections: tuple[str, ...]
    missing: tuple[MissingSection, ...]
