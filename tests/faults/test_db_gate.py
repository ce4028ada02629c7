"""Reading that cannot write: whatever is hidden in a statement, nothing of the server is another thing afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.db.engine import DatabaseOptimizer
from perfctl.errors import PerfctlError
from tests.campaign import campaign
from tests.hostile_database import QUICK, SETTINGS, full_state, lay
from tests.hostile_statements import hostile
from tests.postgres_server import VERSIONS, PostgresServer, postgres_server

pytestmark = [pytest.mark.servers, pytest.mark.debian]

PROGRAM_SECONDS = 2.0


@dataclass(slots=True)
class Ground:
    """A server full of traps, perfctl on it as a superuser, and somebody who watches."""

    server: PostgresServer
    canary: Path
    loop: asyncio.AbstractEventLoop
    databases: tuple[DatabaseOptimizer, ...]
    watcher: Any
    bystander: Any
    pid: int
    heard: list[str] = field(default_factory=list)

    def quick(self) -> str:
        """The state, as far as one query tells it."""
        return str(self.loop.run_until_complete(self.watcher.fetchval(QUICK)))

    def attempt(self, statement: str, way: int, who: int) -> None:
        """Give the statement to perfctl; whatever it answers."""
        with contextlib.suppress(PerfctlError):
            self.loop.run_until_complete(self._given(self.databases[who], statement, way))

    async def _given(self, database: DatabaseOptimizer, statement: str, way: int) -> None:
        if way == 0:
            await database.query(statement, timeout=PROGRAM_SECONDS)
        elif way == 1:
            await database.query(statement, limit=1, timeout=PROGRAM_SECONDS)
        else:
            await database.analyze_query_performance(statement, run=way == 2, timeout=PROGRAM_SECONDS)


@pytest.fixture(scope="module", params=VERSIONS, ids="pg{}".format)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The server, laid with traps, quiet: nothing is written to its WAL while nobody asks."""
    folder = tmp_path_factory.mktemp("gate")
    with postgres_server(folder, request.param, SETTINGS) as server:
        canary = Path("/tmp") / f"perfctl-canary-{server.port}"
        lay(server, canary)
        canary.unlink(missing_ok=True)
        loop = asyncio.new_event_loop()
        try:
            ground = loop.run_until_complete(_opened(server, canary, loop))
            yield ground
            loop.run_until_complete(_closed(ground))
        finally:
            canary.unlink(missing_ok=True)
            loop.close()


async def _opened(server: PostgresServer, canary: Path, loop: asyncio.AbstractEventLoop) -> Ground:
    import asyncpg

    databases = tuple(
        DatabaseOptimizer(server.config(database="traps", username=user, max_connections=2))
        for user in ("postgres", "shadowed")
    )
    watcher = await asyncpg.connect(host="127.0.0.1", port=server.port, user="postgres", database="traps")
    bystander = await asyncpg.connect(
        host="127.0.0.1", port=server.port, user="postgres", database="traps",
        server_settings={"application_name": "bystander"},
    )  # fmt: skip
    ground = Ground(server, canary, loop, databases, watcher, bystander, bystander.get_server_pid())
    await watcher.add_listener("evil", lambda *told: ground.heard.append(str(told)))
    return ground


async def _closed(ground: Ground) -> None:
    for database in ground.databases:
        await database.close()
    await ground.watcher.close()
    await ground.bystander.close()


def test_no_hostile_statement_has_an_effect(ground: Ground) -> None:
    before, quick = full_state(ground.server), ground.quick()
    time.sleep(0.5)
    assert ground.quick() == quick, "the server writes by itself"
    seen = 0

    @campaign(200, 25_000)
    @given(st.integers(0, 2**48), st.integers(0, 3), st.integers(0, 1))
    def attempt(seed: int, way: int, who: int) -> None:
        nonlocal seen
        seen += 1
        statement = hostile(seed, port=ground.server.port, pid=ground.pid, canary=str(ground.canary))
        ground.attempt(statement, way, who)
        assert ground.quick() == quick, f"way {way} as {who}: {statement}"

    attempt()
    assert seen >= 200
    assert full_state(ground.server) == before
    assert not ground.canary.exists()
    assert ground.heard == []
