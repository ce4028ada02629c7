"""A text with its values and pg_stat_statements' text of it have one fingerprint, whatever the server's version."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.normalform import normal_form
from perfctl.db.postgres import StatementError, connected
from perfctl.db.sqltext import fingerprint
from perfctl.errors import PerfctlError
from tests.campaign import SOAKS
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.servers

EXAMPLES = 10_000 if SOAKS else 400
DATABASE = "fingerprints"
LITERALS = (
    "1", "-1", "- 7", "+2", "1.5", ".5", "1e3", "1.5e-3", "'x'", "'it''s'", "E'a\\'b'", "$$c$$", "$q$d$q$",
    "U&'\\0041'", "B'01'", "X'1F'", "true", "false", "NULL", "'2024-01-01'::date", "date '2024-01-01'",
    "interval '1 day'",
    "INTERVAL '1' YEAR", "'1'::numeric(10,2)", "cast('1' as int)", "int4 '7'", "array[1,2,3]",
    "array[ [1,2] , [3,4] ]",
    "'{1,2}'::int[]", "row(1, 'a')", "(1)", "'a'\n  'b'", "timestamp with time zone '2024-01-01 00:00'", "'x' /* c */",
)  # fmt: skip
NUMBERS = ("1", "-1", "a", "t.a", "2.5", "(3)", "length(b)", "7::int", "coalesce(a, 0)", "+4", "- 5", "a + 1", "a -1")
TEXTS = ("'x'", "b", "'y'::text", "upper('z')", "b || 'w'", "E'\\n'", "$$v$$", "t.b", "substring('abc' from 1 for 2)")
COMPARED = ("=", "<>", "<", ">=", "!=", "<=", ">")


class Writer:
    """Statements by a seeded chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def pick(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def several(self, *choices: str, most: int = 4) -> str:
        glue = self.pick(",", ", ", " ,\n", ", /* , */ ")
        return glue.join(self.pick(*choices) for _ in range(self.chance.randint(1, most)))

    def condition(self, depth: int = 2) -> str:
        if depth and self.chance.random() < 0.5:
            joined = f"{self.condition(depth - 1)} {self.pick('AND', 'or')} {self.condition(depth - 1)}"
            return self.pick(joined, f"({joined})", f"NOT ({joined})")
        one, other = self.pick(*NUMBERS), self.pick(*NUMBERS)
        text = self.pick(*TEXTS)
        return self.pick(
            f"{one}{self.pick(' ', '')}{self.pick(*COMPARED)} {other}",
            f"{one} {self.pick('in', 'NOT IN')} ({self.several('1', '-2', '3', '4::int', '5')})",
            f"{text} in ({self.several(chr(39) + 'x' + chr(39), chr(39) + 'y' + chr(39) + '::text')})",
            f"{one} in ({self.several('1', 'a', '2 + 3', 'length(b)')})",
            f"{one} = any(array[{self.several('1', '2', '-3')}])",
            f"{one} BETWEEN {other} AND {self.pick(*NUMBERS)}",
            f"{text} {self.pick('LIKE', 'ilike', '~', 'not like')} '%x'",
            f"{text} IS {self.pick('', 'NOT ')}NULL",
            f"({one} > 1) IS {self.pick('TRUE', 'not false', 'unknown')}",
            f"extract({self.pick('year', 'epoch', 'MONTH')} from d) = {one}",
            f"d > {self.pick('current_date', 'now()')} - interval '{self.chance.randint(1, 9)} day'",
            f"exists (select {self.pick('1', 'null', '*')} from t as u where u.a = {one})",
            f"j {self.pick('->', '->>', '@>', '?')} '{self.pick('k', '{}')}' is not null",
            f"case when {one} = {other} then {self.pick(*LITERALS[:3])} else {self.pick('0', 'null')} end > 0",
            self.pick("true", "a = 1 and true", "d = date '2024-01-01'"),
        )

    def statement(self, tag: int) -> str:
        where = f"WHERE {self.condition()}"
        rows = self.pick(
            "", f"LIMIT {self.pick('1', 'ALL', 'null', '5')}", "LIMIT 3 OFFSET 2", "FETCH FIRST 2 ROWS ONLY"
        )
        order = self.pick("", "ORDER BY 1", "order by a desc nulls last", "GROUP BY t.a, t.b, t.c, t.d, t.j")
        lead = self.pick("", "", "/* app:web */ ", "-- lead\n")
        tail = self.pick("", ";", " -- tail", " /* tail */;")
        plain, set_a = where.replace("t.", ""), f"a = {self.pick('1', '-1')}"
        select = f"SELECT {self.several(*LITERALS)} AS tag_{tag} FROM t {where} {order} {rows}"
        values = ", ".join(f"({number}, 'x', tag_{tag}.a)" for number in range(self.chance.randint(1, 3)))
        return lead + tail.join((
            self.pick(
                select,
                select,
                select,
                f"with tag_{tag} as ({select}) select count(*) from tag_{tag} where 1 = {self.pick('1', '2')}",
                f"UPDATE t AS tag_{tag} SET b = 'x', {set_a} {plain}",
                f"delete from t tag_{tag} {plain}",
                f"select * from t tag_{tag}, lateral (values {values}) v",
                f"INSERT INTO t (a, b) SELECT {self.pick('1', '-1')}, 'y' FROM t AS tag_{tag} LIMIT 0",
                f"select {self.pick('1', '-2')} as tag_{tag} union all select {self.pick('3', 'a')} from t",
            ),
            "",
        ))  # fmt: skip


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Iterator[DatabaseConfig]:
    """A table of every kind of column."""
    postgres.sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}")
    postgres.sql(
        "CREATE EXTENSION pg_stat_statements",
        "CREATE TABLE t (a int, b text, c numeric, d date, j jsonb)",
        database=DATABASE,
    )
    yield postgres.config(database=DATABASE)
    postgres.sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def test_a_text_with_values_has_the_fingerprint_of_the_servers_text(database: DatabaseConfig) -> None:
    writer = Writer(5)
    written = {tag: writer.statement(tag) for tag in range(EXAMPLES)}
    counted = asyncio.run(_counted(database, written))
    compared = {int(found[1]): text for text in counted if (found := re.search(r"tag_(\d+)", text))}
    differ = [
        f"{written[tag]!r}\n  {text!r}\n  {normal_form(written[tag])}\n  {normal_form(text)}"
        for tag, text in compared.items()
        if fingerprint(written[tag]) != fingerprint(text)
    ]
    assert differ == []
    assert len(compared) > EXAMPLES / 3, "too few statements ran to say anything"


async def _counted(config: DatabaseConfig, written: dict[int, str]) -> list[str]:
    """The server's texts of the statements; those that it refuses are left out."""
    async with connected(config) as session:
        await session.execute("SELECT pg_stat_statements_reset()")
        for statement in written.values():
            try:
                await session.execute(statement)
            except (StatementError, PerfctlError):
                continue
        rows = await session.fetch("SELECT query FROM pg_stat_statements WHERE query ~ 'tag_'")
    return [row["query"] for row in rows]
