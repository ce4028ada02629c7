"""What runs behind words is known by the names of views, tables, types, functions and operators."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from perfctl.db.session.backstage import BELIEVED_SECONDS, Backstage, Code, runs_code
from perfctl.db.session.effects import Stain

CODE = Code(
    read=frozenset({"checked"}),
    views=frozenset({"settling", 'odd "name'}),
    write=frozenset({"locking"}),
    signs=frozenset({"@+@"}),
)


@pytest.mark.parametrize(
    ("sql", "writes", "expected"),
    [
        ("SELECT * FROM plain", False, False),
        ("SELECT * FROM settling", False, True),
        ("SELECT * FROM public.Settling AS s", False, True),
        ('SELECT * FROM "settling"', False, True),
        ('SELECT * FROM "odd ""name"', False, True),
        (r'SELECT * FROM U&"settl\0069ng"', False, True),
        ("SELECT 'settling' /* settling */ -- settling", False, False),
        ("SELECT * FROM locking", False, False),
        ("INSERT INTO locking VALUES (1)", True, True),
        ("SELECT a @+@ b FROM plain", False, True),
        ("SELECT a + b FROM plain", False, False),
        ("SELECT a @+@", False, True),
        ("SELECT 1::checked", False, True),
    ],
)
def test_a_text_that_mentions_code_runs_it(sql: str, writes: bool, expected: bool) -> None:
    assert runs_code(sql, CODE, writes=writes) is expected


def function(name: str, source: str, **said: Any) -> dict[str, Any]:
    row = {"oid": hash(name), "name": name, "is_builtin": False, "is_readable": True, "source": source}
    return {**row, "is_volatile": True, "reads_like_a_column": False, **said}


class Catalog:
    """A server with these functions, the places of which are asked for next."""

    def __init__(self, *functions: dict[str, Any]) -> None:
        self.functions, self.acting, self.asked = functions, set[str](), 0

    async def __call__(self, sql: str, argument: list[Any]) -> list[Any]:
        self.asked += 1
        if self.asked % 2:
            return list(self.functions)
        self.acting = {row["name"] for row in self.functions if row["oid"] in argument}
        return [{"mode": "view", "name": "Settling"}, {"mode": "write", "name": "locking"}]


def test_functions_that_only_reckon_run_nothing_unless_what_they_call_does() -> None:
    catalog = Catalog(
        function(
            "touch", "BEGIN NEW.at := now(); IF NEW.a IS NULL THEN NEW.a := upper(NEW.b); END IF; RETURN NEW; END"
        ),
        function("locks", "BEGIN PERFORM pg_advisory_lock(1); RETURN NEW; END"),
        function("area", "SELECT set_config('a', 'b', false)"),
        function("calls_it", "BEGIN RETURN area(NEW); END"),
        function("calls_that", "BEGIN NEW.x := calls_it(NEW); RETURN NEW; END"),
        function("in_c", "", is_readable=False),
    )
    backstage = Backstage()
    asyncio.run(backstage.look(catalog))
    assert catalog.acting == {"locks", "area", "calls_it", "calls_that", "in_c"}
    assert backstage.code is not None
    assert backstage.code.read == {"area"}


def test_the_worst_is_assumed_until_somebody_has_looked() -> None:
    backstage = Backstage()
    assert backstage.effects("SELECT * FROM settling").stain == Stain.RESET
    asyncio.run(backstage.look(Catalog()))
    assert backstage.effects("SELECT * FROM plain").is_repeatable
    settling = backstage.effects("SELECT * FROM settling")
    assert (settling.stain, settling.is_repeatable, settling.may_write) == (Stain.RESET, False, True)
    assert backstage.effects("INSERT INTO locking VALUES (1)").stain == Stain.RESET
    assert backstage.effects("INSERT INTO plain VALUES (1)").stain == Stain.NONE


def test_what_is_known_grows_old_or_doubtful() -> None:
    clock = iter([0.0, 0.0, 1.0, 2.0, 2.0, 3.0, 4.0, BELIEVED_SECONDS + 9, BELIEVED_SECONDS + 9, BELIEVED_SECONDS + 10])
    backstage = Backstage(clock=lambda: next(clock))
    ages = [backstage.is_old]
    asyncio.run(backstage.look(Catalog()))
    edition = backstage.edition
    ages.append(backstage.is_old)
    backstage.doubt()
    assert backstage.edition is not edition
    ages.append(backstage.is_old)
    asyncio.run(backstage.look(Catalog()))
    ages += [backstage.is_old, backstage.is_old]
    backstage.put_off()
    ages.append(backstage.is_old)
    assert ages == [True, False, True, False, True, False]
