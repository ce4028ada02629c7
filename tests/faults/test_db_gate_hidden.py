"""Code that no word of a statement stands for: reached by a type, a row, an index's expression, an older grammar."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from perfctl.db.engine import DatabaseOptimizer
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
        "SELECT n.trip FROM (SELECT a AS trip FROM numbers) AS n, generate_series(1, 2) AS g",
        "SELECT * FROM information_schema.key_column_usage",
        "SELECT * FROM tidy WHERE a = 3", "SELECT format_type(oid, NULL) FROM pg_type",
    ]  # fmt: skip
    tidy = Trap("CREATE TABLE tidy (a int, b int); CREATE INDEX ON tidy (trip(a), trip(a + 1))", ())
    with laid(postgres, [*_meant(postgres, WORDS), tidy]):
        assert asyncio.run(_let_through(postgres, texts)) == texts


SHADOWS = """
CREATE SCHEMA shadow;
CREATE FUNCTION shadow.same(text, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;
CREATE FUNCTION shadow.same(name, name) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;
CREATE FUNCTION shadow.joined(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;
CREATE OPERATOR shadow.= (FUNCTION = shadow.same, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR shadow.= (FUNCTION = shadow.same, LEFTARG = name, RIGHTARG = name);
CREATE OPERATOR shadow.|| (FUNCTION = shadow.joined, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION shadow.pg_backend_pid() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;
CREATE FUNCTION shadow.current_schemas(bool) RETURNS name[] LANGUAGE plpgsql AS $$ BEGIN RAISE 'tripped'; END $$;
ALTER DATABASE hidden SET search_path = shadow, pg_catalog, public
"""


def test_what_the_pool_and_the_query_cache_ask_is_not_misled(postgres: PostgresServer) -> None:
    async def ask() -> list[int]:
        async with DatabaseOptimizer(postgres.config(database="hidden", max_connections=1)) as database:
            found = []
            for use_cache in (False, False, False, True, True):
                rows = await database.execute_optimized_query(
                    "SELECT a FROM public.numbers LIMIT 1", use_cache=use_cache
                )
                found += [row["a"] for row in rows]
            return found

    with laid(postgres, [Trap(SHADOWS, ())]):
        assert asyncio.run(ask()) == [1] * 5


def test_a_name_that_another_encoding_cuts_elsewhere_is_refused(postgres: PostgresServer) -> None:
    name = "é" * 40  # 40 bytes in LATIN1; in UTF-8 80, of which 62 are left
    body = "RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$"
    postgres.sql(
        "DROP DATABASE IF EXISTS hidden",
        "CREATE DATABASE hidden ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    )
    try:
        postgres.sql(f'SET client_encoding = UTF8; CREATE FUNCTION "{name}"(int) {body}', database="hidden")
        texts = ["SELECT 1 AS é", f'SELECT "{name}"(1)', f'SELECT "{"a" * 62}é"(1)']
        assert asyncio.run(_let_through(postgres, texts)) == texts[:1]
    finally:
        postgres.sql("DROP DATABASE hidden WITH (FORCE)")
