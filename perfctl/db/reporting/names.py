"""The names that a server's users gave: what a redacted result must not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.db.asking import ask

if TYPE_CHECKING:
    from perfctl.db.engine import DatabaseOptimizer


async def user_names(engine: DatabaseOptimizer) -> list[str]:
    """Of everything in the database that is connected to, of the server's databases, roles and applications."""
    async with engine.pool.acquire() as session:
        return [row["name"] for row in await ask(session, "user_names")]
