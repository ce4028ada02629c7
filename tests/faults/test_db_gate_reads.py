"""Reading that is not refused: TPC-H, and what grammar, types and usual extensions offer to those who read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.guard import vet
from perfctl.db.postgres import StatementError, connected
from perfctl.db.sqltext import statements
from perfctl.errors import RefusedError
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.servers, pytest.mark.debian]

READS = Path(__file__).parents[1] / "fixtures" / "db" / "reads"
UNKNOWN_TO_OLDER = ("42601", "42883", "42704", "42P01", "0A000")


@pytest.fixture(scope="module")
def reads(postgres: PostgresServer) -> Iterator[DatabaseConfig]:
    """A database with the tables that the texts read."""
    postgres.sql("DROP DATABASE IF EXISTS reads", "CREATE DATABASE reads")
    postgres.sql((READS / "schema.sql").read_text(), database="reads")
    yield postgres.config(database="reads")
    postgres.sql("DROP DATABASE reads WITH (FORCE)")


@pytest.mark.parametrize("name", ["tpch", "features"])
def test_a_read_is_not_refused(reads: DatabaseConfig, name: str) -> None:
    texts = statements((READS / f"{name}.sql").read_text())
    refused = asyncio.run(_refused(reads, texts))
    assert len(texts) >= 22
    assert refused == {}


async def _refused(config: DatabaseConfig, texts: tuple[str, ...]) -> dict[str, str]:
    refused = {}
    async with connected(config) as session:
        for text in texts:
            try:
                await vet(session, text)
            except RefusedError as error:
                refused[text] = error.message
            except StatementError as error:
                if error.sqlstate not in UNKNOWN_TO_OLDER:
                    refused[text] = error.message
    return refused
