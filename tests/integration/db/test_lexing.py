"""The tokenizer and PostgreSQL agree on where statements end and which text is a value."""

from __future__ import annotations

import asyncio
import os
import random

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.parameters import numbered
from perfctl.db.postgres import Session, StatementError, connected
from perfctl.db.sqltext import fingerprint, statements
from perfctl.errors import PerfctlError

pytestmark = pytest.mark.servers

EXAMPLES = 20_000 if os.environ.get("PERFCTL_SOAK") else 1500

LITERALS = (
    "'plain'", "'it''s'", "'semi;colon'", "'%s'", "'--'", "'/*'", "'back\\'", "E'\\''", "E'a\\\\'", "e'\\';--'",
    "$$a;b$$", "$q$ ' $$ \" $q$", "$é$;$é$", "U&'\\0041;'", "N'n;'", "B'01'", "X'1F'", "'a'\n'b;'", "E'a'\n'\\';'",
    "'a' -- c\n '\\'", "1", "1.5", ".5", "1e3", "2 -- ; c\n", "3 /* ; /* ' */ ; */", "4/**/", "5--\n", "'ü'", "''",
    "'%%'", "7 % 4", "-- x\r 8", "9 /*/ * / */", "0x1F", "1_000", "(';')", "\"now\"()::text is null",
)  # fmt: skip
GLUE = (", ", ",", " ,\n", ", /* ; */ ", ", -- ;\n")
BETWEEN = (";", "; ", " ;\n", ";;", ";--\n", "; /* */ ", ";\t;")
JUNK = (
    "'",
    '"',
    "$$",
    "$a$",
    "\\",
    "--",
    "/*",
    "*/",
    ";",
    "\n",
    " ",
    "E'",
    "U&'",
    "$1",
    "select 1",
    "x",
    "%s",
    "(",
    ")",
)


def _statement(chance: random.Random) -> str:
    chosen = [chance.choice(LITERALS) for _ in range(chance.randint(1, 4))]
    text = chosen[0] + "".join(chance.choice(GLUE) + literal for literal in chosen[1:])
    return f"{chance.choice(('select ', 'SELECT/**/', 'values (', '(select '))}{text}"


def _text(chance: random.Random) -> str:
    """Valid statements by construction, some of them several, some of them broken."""
    made = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        text = _statement(chance)
        made.append(text + ")" if text.startswith(("values", "(")) else text)
    text = chance.choice(BETWEEN).join(made) + chance.choice(("", ";", " ; ", "--;", "/*;*/"))
    if chance.random() < 0.3:
        at = chance.randint(0, len(text))
        text = text[:at] + chance.choice(JUNK) + text[at:]
    return text


async def _says_server(session: Session, text: str) -> str:
    try:
        await session.fetch(text)
    except StatementError as error:
        return "several" if "multiple commands" in error.message else "error"
    except PerfctlError:
        return "error"
    return "one or none"


def test_several_statements_are_several_to_both(config: DatabaseConfig) -> None:
    async def compare() -> dict[str, int]:
        chance, seen = random.Random(3), {"several": 0, "one or none": 0, "error": 0}
        async with connected(config) as session:
            for _ in range(EXAMPLES):
                text = _text(chance)
                said, found = await _says_server(session, text), len(statements(text))
                seen[said] += 1
                assert said == "error" or (found > 1) is (said == "several"), f"{said}, {found} found in {text!r}"
        return seen

    seen = asyncio.run(compare())
    assert min(seen["several"], seen["one or none"]) > EXAMPLES / 10


def test_every_placeholder_is_bound_and_every_literal_kept(config: DatabaseConfig) -> None:
    async def compare() -> int:
        chance, compared = random.Random(4), 0
        async with connected(config) as session:
            for _ in range(EXAMPLES // 3):
                literals = [chance.choice(LITERALS[:-1]) for _ in range(3)]
                columns = ", ".join(literals)
                plain = (await session.fetch(f"SELECT {columns}"))[0]
                # In a text with %s, an operator % is written %%.
                doubled = columns.replace("7 % 4", "7 %% 4")
                bound = numbered(f"SELECT %s::text, {doubled}, %s::int", 2)
                row = (await session.fetch(bound, "%s", 7))[0]
                assert list(row.values()) == ["%s", *plain.values(), 7], bound
                compared += 1
        return compared

    assert asyncio.run(compare()) == EXAMPLES // 3


def test_the_server_and_the_fingerprint_group_the_same_texts(config: DatabaseConfig) -> None:
    async def grouped() -> list[tuple[str, str]]:
        async with connected(config) as session:
            await session.fetch("SELECT pg_stat_statements_reset()")
            for number in range(5):
                await session.fetch(f"SELECT symbol FROM stocks WHERE id = {number} AND sector <> 'x{number}'")
                await session.fetch(f"select  symbol from stocks where market_cap > -{number + 1} -- note")
            rows = await session.fetch("SELECT query FROM pg_stat_statements WHERE query ILIKE 'select%symbol%'")
            return [(row["query"], fingerprint(row["query"])) for row in rows]

    found = dict(asyncio.run(grouped()))
    assert set(found.values()) == {
        fingerprint("SELECT symbol FROM stocks WHERE id = 1 AND sector <> 'a'"),
        fingerprint("SELECT symbol FROM stocks WHERE market_cap > -1"),
    }
