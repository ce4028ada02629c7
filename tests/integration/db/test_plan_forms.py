"""The text and the JSON of a plan, made by real servers of the oldest and the newest kind at hand, give one tree."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from perfctl.db.plans import read_any, read_plan, read_text_plan
from tests.campaign import SOAKS
from tests.plan_forms import figures, forms_of, structure
from tests.plan_queries import FOREIGN, SCHEMA, Query, query
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800 if SOAKS else 120)]

DATABASE = "plan_forms"
SEEDS = range(520) if SOAKS else range(34)


@pytest.fixture(scope="module")
def planned(postgres: PostgresServer) -> PostgresServer:
    """A server with the schema of the generator, in a database of its own."""
    postgres.sql(f"CREATE DATABASE {DATABASE}")
    postgres.sql(SCHEMA, database=DATABASE)
    for statement in FOREIGN.format(port=postgres.port, database=DATABASE).split(";\n"):
        postgres.sql(statement, database=DATABASE)
    return postgres


def test_both_forms_of_generated_queries_give_the_same_tree(planned: PostgresServer) -> None:
    compared = asyncio.run(_compared(planned))
    assert compared >= len(SEEDS) * 0.95


async def _compared(server: PostgresServer) -> int:
    connection = await asyncpg.connect(
        host="127.0.0.1", port=server.port, user="postgres", database=DATABASE, statement_cache_size=0
    )
    try:
        return sum([await _is_same(connection, query(seed), seed) for seed in SEEDS])
    finally:
        await connection.close()


async def _is_same(connection: Any, asked: Query, seed: int) -> bool:
    """False where this server cannot run it: it was built without XML, say."""
    try:
        document, text = await forms_of(connection, asked)
    except asyncpg.FeatureNotSupportedError:
        return False
    of_json, of_text = read_plan(document), read_text_plan(text)
    assert structure(of_text, asked, is_text=True) == structure(of_json, asked, is_text=False), (seed, asked, text)
    if not asked.is_parallel and not asked.writes:
        assert figures(of_text) == figures(of_json), (seed, asked, text)
    assert read_any(text) == of_text
    assert read_any(document) == of_json
    if seed % 4 == 0:
        for marked in await forms_of(connection, asked, ("XML", "YAML")):
            assert structure(read_any(marked), asked, is_text=False) == structure(of_json, asked, is_text=False), marked
    return True
