"""Health checks of a database: one file and one row each; `run` asks and judges them."""

from __future__ import annotations

import importlib
import time
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.checks.rule import MAX_OBJECTS, Limits, ReplicaCounts, Rule, Server, Verdict, unavailable
from perfctl.diagnosis import Check
from perfctl.errors import AuthError, PerfctlError, TimedOutError, UsageError

if TYPE_CHECKING:
    from perfctl.config.settings import CheckSettings
    from perfctl.db.postgres import Session

FILES: tuple[str, ...] = (
    "rights",
    "statements",
    "stale_statistics",
    "table_hits",
    "index_hits",
    "connections",
    "idle_in_transaction",
    "oldest_transaction",
    "blocked",
    "xid_age",
    "multixact_age",
    "dead_tuples",
    "autovacuum",
    "table_bloat",
    "index_bloat",
    "unused_indexes",
    "duplicate_indexes",
    "redundant_indexes",
    "invalid_indexes",
    "null_heavy_indexes",
    "foreign_keys",
    "sequences",
    "replication_lag",
    "replication_slots",
    "archiver",
    "checkpoints",
    "temp_files",
    "deadlocks",
    "rollbacks",
    "settings_safety",
    "settings_memory",
    "settings_planner",
    "settings_timeouts",
    "not_valid_constraints",
    "version",
    "backend_writes",
    "disk",
)
"""The files of the checks, in the order in which they are asked."""

_LOCKED = "55P03"


def every_rule() -> Iterator[Rule]:
    """The checks, in their order."""
    for file in FILES:
        rule: Rule = importlib.import_module(f"perfctl.db.checks.{file}").RULE
        yield rule


def chosen(names: Sequence[str]) -> list[Rule]:
    """The checks of these areas, or of these names; all where none is given. UsageError for a word that is neither."""
    rules = list(every_rule())
    known = {rule.area for rule in rules} | {rule.name for rule in rules}
    for name in names:
        if name not in known:
            near = get_close_matches(name, sorted(known), 1)
            raise UsageError(
                f"db check: there is no area and no check {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"areas: {', '.join(areas(rules))}",
            )
    return [rule for rule in rules if not names or rule.area in names or rule.name in names]


def areas(rules: Sequence[Rule] | None = None) -> list[str]:
    """The areas, in the order of their checks."""
    return list(dict.fromkeys(rule.area for rule in rules or every_rule()))


async def run(
    session: Session,
    rules: Collection[Rule],
    settings: Sequence[CheckSettings] = (),
    *,
    database: str | None = None,
    timeout_seconds: float = 10.0,
    replicas: ReplicaCounts | None = None,
) -> list[Check]:
    """Each of the checks, judged; one that cannot be asked is `off` and says why. `database` is told in each."""
    facts = (await ask(session, "server_facts", timeout_seconds=timeout_seconds))[0]
    server, own = Server(facts, session.server_version[0], replicas), {each.name: each for each in settings}
    made = []
    for rule in rules:
        said = own.get(rule.name)
        if said is None or said.enabled:
            limits = _limits(rule, said)
            started = time.perf_counter()
            verdict = await _verdict(session, rule, limits, server, timeout_seconds)
            made.append(_check(rule, limits, verdict, database, (time.perf_counter() - started) * 1000))
    return made


def _limits(rule: Rule, said: CheckSettings | None) -> Limits:
    if said is None:
        return rule.limits
    warn = rule.limits.warn if said.warn is None else said.warn
    fail = rule.limits.fail if said.fail is None else said.fail
    return Limits(warn, fail, rule.limits.falling)


async def _verdict(session: Session, rule: Rule, limits: Limits, server: Server, timeout_seconds: float) -> Verdict:
    if server.version < rule.since_version:
        return unavailable(f"PostgreSQL {server.version} does not count it: {rule.since_version} and later do")
    if server.facts["is_replica"] and not rule.on_replica:
        return unavailable("a replica cannot tell: ask the primary")
    if rule.needs_every_table and not server.reads_every_table:
        return unavailable(
            "estimate unavailable: this role sees the statistics of its own tables alone",
            f'GRANT pg_read_all_data TO "{server.role}";',
        )
    if rule.needs_every_session and not server.sees_every_session:
        return unavailable(
            "unavailable: this role sees its own sessions alone", f'GRANT pg_monitor TO "{server.role}";'
        )
    try:
        return await _judged(session, rule, limits, server, timeout_seconds)
    except AuthError as error:
        return unavailable(f"unavailable: {error.message}", error.hint)
    except TimedOutError as error:
        return unavailable(f"unavailable: {error.message}", "give it longer with --timeout")
    except PerfctlError as error:
        if getattr(error, "sqlstate", None) != _LOCKED:
            raise
        return unavailable("unavailable: another session holds a lock on what is looked at", "perfctl db locks")


async def _judged(session: Session, rule: Rule, limits: Limits, server: Server, timeout_seconds: float) -> Verdict:
    rows = []
    if rule.question is not None:
        rows = await ask(session, rule.question, version=_versioned(rule, server), timeout_seconds=timeout_seconds)
    if rule.examine is not None:
        return await rule.examine(session, rows, limits, server, timeout_seconds)
    assert rule.judge is not None, rule.name  # noqa: S101 - one of the two makes a check
    return rule.judge(rows, limits, server)


def _versioned(rule: Rule, server: Server) -> int | None:
    from perfctl.db.questions import has_versions

    return server.version if rule.question and has_versions(rule.question) else None


def _check(rule: Rule, limits: Limits, verdict: Verdict, database: str | None, took_ms: float) -> Check:
    status = verdict.status or ("pass" if verdict.value is None else limits.status(verdict.value))
    if verdict.unavailable:
        status = "off"
    return Check(
        component=rule.area,
        check=rule.name,
        status=status,
        observed=verdict.observed,
        fix=None if status == "pass" else verdict.fix,
        took_ms=round(took_ms, 3),
        value=None if verdict.value is None else round(verdict.value, 6),
        unit=None if verdict.value is None else rule.unit,
        threshold=None if verdict.value is None else limits.threshold(verdict.value),
        objects=tuple(verdict.objects[:MAX_OBJECTS]),
        database=database if rule.per_database else None,
    )
