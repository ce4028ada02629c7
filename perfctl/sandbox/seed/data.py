"""Fills a database: the two halves of the data side by side, one connection each."""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from importlib.resources import files

from perfctl.config import DatabaseConfig
from perfctl.db.postgres import connected

TABLES = ("stocks", "prices", "holdings", "watchlists", "users", "portfolios", "orders")

_SCRIPTS = ("schema.sql", "market.sql", "accounts.sql", "load_slow.sql", "load_quick.py", "load.py", "data.py")
_HALVES = (("market.sql", TABLES[:4]), ("accounts.sql", TABLES[4:]))
# Of the sessions here alone: seeding is not a load that anybody wants to find in the list of slow queries.
_UNCOUNTED = "SET pg_stat_statements.track = 'none'"


def script(name: str) -> str:
    """The text of a file of this folder."""
    return files("perfctl.sandbox.seed").joinpath(name).read_text(encoding="utf-8")


def _version() -> str:
    digest = blake2b(digest_size=6)
    for name in _SCRIPTS:
        digest.update(script(name).encode())
    return digest.hexdigest()


SEED_VERSION: str = _version()
"""Changes when the schema, the rows or the load do."""


async def seed_data(*, host: str, port: int, user: str, password: str | None, database: str) -> None:
    """Make the schema and its rows in an existing, empty database; `user` is a superuser.

    ServiceError where one of the tables is there already.
    """
    config = DatabaseConfig(host=host, port=port, username=user, password=password, database=database)
    async with connected(config) as session:
        await session.execute(f"{_UNCOUNTED}; {script('schema.sql')}")
    await asyncio.gather(*(_fill(config, name, tables) for name, tables in _HALVES))


async def _fill(config: DatabaseConfig, name: str, tables: tuple[str, ...]) -> None:
    async with connected(config) as session:
        await session.execute(_UNCOUNTED)
        await session.execute(script(name))
        # Statistics for the planner, and pages marked as all-visible: else the first readers would do it.
        await session.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
