"""What a health check is: a question, how its rows are judged, and from which value on they are a warning or a no."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from perfctl.diagnosis import Status

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session

Unit = Literal["ratio", "seconds", "bytes", "count", "days", "bytes_per_second"]
MAX_OBJECTS = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """From which value on it warns and fails; None: never. With `falling` lower values are worse."""

    warn: float | None = None
    fail: float | None = None
    falling: bool = False

    def status(self, value: float) -> Status:
        """What a value is."""
        return "fail" if self._passed(value, self.fail) else "warn" if self._passed(value, self.warn) else "pass"

    def threshold(self, value: float) -> float | None:
        """The limit that the value has passed, or the first that it would pass."""
        passed = self.fail if self._passed(value, self.fail) else self.warn
        return self.fail if passed is None else passed

    def _passed(self, value: float, limit: float | None) -> bool:
        return limit is not None and (value <= limit if self.falling else value >= limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaCounts:
    """How often indexes were read on the replicas, which count for themselves."""

    scans: Mapping[str, int] = field(default_factory=dict)
    """By the index's name."""
    asked: int = 0
    silent: int = 0
    """Replicas that are named in the configuration and gave no answer."""
    counted_days: float | None = None
    """For how long the one counted that began last; None where none says."""


@dataclass(frozen=True, slots=True)
class Server:
    """What is known of the server when its rows are judged."""

    facts: Mapping[str, Any]
    """A row of `sql/server_facts.sql`."""
    version: int
    replicas: ReplicaCounts | None = None
    """What the replicas counted, where a check needs that."""

    @property
    def reads_every_table(self) -> bool:
        """Whether pg_stats shows every table; else what is built on it would be silently wrong."""
        return bool(self.facts["superuser"] or self.facts["reads_tables"])

    @property
    def sees_every_session(self) -> bool:
        """Whether the sessions of other roles are more than a pid."""
        return bool(self.facts["superuser"] or self.facts["reads_statistics"])

    @property
    def role(self) -> str:
        """Who asks."""
        return str(self.facts["role"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rows come to. Without a `value` it is a pass, or with `unavailable` no judgement at all."""

    observed: str
    value: float | None = None
    objects: Sequence[str] = ()
    fix: str | None = None
    """What mends it, where it is not well."""
    unavailable: bool = False
    status: Status | None = None
    """Where the value alone does not decide."""


Judge = Callable[[Sequence["Record"], Limits, Server], Verdict]
Examine = Callable[["Session", Sequence["Record"], Limits, Server, float], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One check: a file of this folder, and a row of its table."""

    name: str
    area: str
    judge: Judge | None = None
    """What its rows come to."""
    examine: Examine | None = None
    """The same, for a check that has to ask more once it has seen its rows."""
    question: str | None = None
    """The name of its SQL; None where the server's facts are enough."""
    limits: Limits = field(default_factory=Limits)
    unit: Unit = "count"
    since_version: int = 13
    """The first PostgreSQL that has what it asks for."""
    per_database: bool = True
    """Whether each database has its own answer; else one database answers for the server."""
    needs_every_table: bool = False
    """Whether it stands on pg_stats, which hides the tables that a role may not read."""
    needs_every_session: bool = False
    """Whether it stands on what only a superuser or pg_monitor sees of others."""
    on_replica: bool = True
    """Whether a replica can answer."""
    asks_replicas: bool = False
    """Whether the primary's answer is not the whole: what replicas counted of the indexes belongs to it."""


def unavailable(reason: str, fix: str | None = None) -> Verdict:
    """No judgement, never a number, and what would allow one."""
    return Verdict(observed=reason, fix=fix, unavailable=True)
