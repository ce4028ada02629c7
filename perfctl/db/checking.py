"""Running the health checks: on the server and its replicas, in one database or in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.building import replica_config
from perfctl.db.checks import chosen, run
from perfctl.db.checks.replicas import replica_counts
from perfctl.db.postgres import connected
from perfctl.diagnosis import Check, Diagnosis, diagnose
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.config import DatabaseConfig
    from perfctl.db.checks.rule import ReplicaCounts, Rule
    from perfctl.db.pool import ConnectionPool

DEFAULT_SECONDS = 10.0


async def checked(
    config: DatabaseConfig,
    pool: ConnectionPool,
    names: Sequence[str] = (),
    *,
    all_databases: bool = False,
    timeout_seconds: float | None = None,
) -> Diagnosis:
    """The checks of these areas or names, the worst first; what concerns the whole server is asked once.

    A database or a replica that cannot be reached is a failed check of its own. UsageError for an unknown name.
    """
    rules, limit = chosen(names), timeout_seconds or DEFAULT_SECONDS
    async with pool.acquire(timeout=timeout_seconds) as session:
        databases = await ask(session, "databases", timeout_seconds=limit) if all_databases else []
        here = next((row["name"] for row in databases if row["is_here"]), None)
        counts = await _counts(config, rules, limit)
        checks = await run(session, rules, config.checks, database=here, timeout_seconds=limit, replicas=counts)
    local = [rule for rule in rules if rule.per_database]
    for name in [row["name"] for row in databases if not row["is_here"]] if local else []:
        checks += await _elsewhere(replace(config, database=name), local, name, limit)
    return diagnose(checks)


async def _elsewhere(config: DatabaseConfig, rules: Sequence[Rule], database: str, limit: float) -> list[Check]:
    try:
        counts = await _counts(config, rules, limit)
        async with connected(config) as session:
            return await run(session, rules, config.checks, database=database, timeout_seconds=limit, replicas=counts)
    except PerfctlError as error:
        return [Check("rights", "connect", "fail", error.message, fix=error.hint, database=database)]


async def _counts(config: DatabaseConfig, rules: Sequence[Rule], limit: float) -> ReplicaCounts | None:
    """What the replicas counted of this database; None where no check asks."""
    if not any(rule.asks_replicas for rule in rules):
        return None
    replicas = [replica_config(config, dsn) for dsn in config.replica_dsns]
    return await replica_counts(replicas, timeout_seconds=limit)
