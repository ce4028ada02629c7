"""The traces of a day's work: slow statements on one connection, quick ones on another."""

from __future__ import annotations

import asyncio

from perfctl.config import DatabaseConfig
from perfctl.db.postgres import connected
from perfctl.sandbox.seed.data import script
from perfctl.sandbox.seed.load_quick import quick_statements


async def run_load(*, host: str, port: int, user: str, password: str | None, database: str) -> None:
    """Send the load of one day to a seeded database. It may be repeated: each time the counters grow."""
    config = DatabaseConfig(host=host, port=port, username=user, password=password, database=database)
    await asyncio.gather(
        _send(config, script("load_slow.sql")),
        _send(config, ";\n".join(quick_statements())),
    )


async def _send(config: DatabaseConfig, statements: str) -> None:
    # One message with many statements: the server counts each of them, and the client costs nothing.
    async with connected(config) as session:
        await session.execute(statements)
