"""Code that no word of a statement stands for: reached by a type, a row, an index's expression, an older grammar."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from perfctl.db.guard import vet
from perfctl.db.postgres import connected
from perfctl.errors import RefusedError
from tests.hidden_traps import BASE, ORDERED, WORDS, Trap
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.servers, pytest.mark.debian]


@contextmanager
def laid(server: PostgresServer, traps: Sequence[Trap]) -> Iterator[None]:
    """A database `hidden` with the traps in it."""
    server.sql("DROP DATABASE IF EXISTS hidden", "CREATE DATABASE hidden")
    server.sql(";".join((BASE, *(trap.laid for trap in traps))), database="hidden")
    try:
        yield
    finally:
        server.sql("DROP DATABASE hidden WITH (FORCE)")


async def _let_through(server: PostgresServer, texts: Sequence[str]) -> list[str]:
    passed = []
    async with connected(server.config(database="hidden")) as session:
        for text in texts:
            try:
                await vet(session, text)
                passed.append(text)
            except RefusedError:
                pass
    return passed


def _meant(server: PostgresServer, traps: Sequence[Trap]) -> list[Trap]:
    return [trap for trap in traps if trap.since <= server.version <= trap.until]


def test_what_hides_behind_words_is_refused(postgres: PostgresServer) -> None:
    traps = _meant(postgres, WORDS)
    with laid(postgres, traps):
        texts = [text for trap in traps for text in trap.statements]
        assert asyncio.run(_let_through(postgres, texts)) == []


@pytest.mark.parametrize("number", range(len(ORDERED)))
def test_what_hides_behind_a_type_or_the_catalog_is_refused(postgres: PostgresServer, number: int) -> None:
    trap = ORDERED[number]
    with laid(postgres, [trap]):
        assert asyncio.run(_let_through(postgres, trap.statements)) == []


def test_reads_beside_the_traps_are_let_through(postgres: PostgresServer) -> None:
    texts = [
        "SELECT a FROM numbers WHERE a = 3", "EXPLAIN DELETE FROM numbers WHERE a = abs(-1)",
        "SELECT n.a FROM numbers AS n", "SELECT * FROM tidy WHERE a = 3", "SELECT format_type(oid, NULL) FROM pg_type",
    ]  # fmt: skip
    tidy = Trap("CREATE TABLE tidy (a int, b int); CREATE INDEX ON tidy (trip(a), trip(a + 1))", ())
    with laid(postgres, [*_meant(postgres, WORDS), tidy]):
        assert asyncio.run(_let_through(postgres, texts)) == texts
