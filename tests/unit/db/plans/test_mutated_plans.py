"""Plans that were damaged anyhow are read, or refused with the place of the damage; nothing else happens."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfctl.db.findings import examine
from perfctl.db.model.plans import PlanReport
from perfctl.db.plans import MAX_DEPTH, every_node, read_any, read_plan
from perfctl.db.plans.difference import compare
from perfctl.db.plans.nodes import MAX_NODES
from perfctl.errors import UsageError
from perfctl.render.plan_html import html_of
from perfctl.render.show import show
from tests.campaign import SOAKS

FIXTURES = Path(__file__).parents[3] / "fixtures" / "db"
SAVED = {path.stem: path.read_bytes() for path in sorted((FIXTURES / "saved").glob("*.txt"))}
DOCUMENTS = [path.read_text() for path in sorted(FIXTURES.glob("plan_*.json"))]
COUNT = 20_400 if SOAKS else 1_500
PLACE = re.compile(r"line \d+|\$|lines \d+|no plan in it|longer|several")
ODD = [
    "\x00",
    "\ud800",
    "\u202e",
    "\x1b[31m",
    "'",
    '"',
    "(",
    "->  ",
    "\t",
    "\r",
    "  ",
    "9" * 400,
    "1e999",
    "-1",
    "�",
    "|",
    "+",
]
VALUES: list[Any] = [
    None,
    True,
    -1,
    1e308,
    float("nan"),
    "x",
    [],
    {},
    [[]],
    {"Plan": 1},
    10**40,
    10**5000,
    "\ud800",
    [7],
]


@pytest.mark.timeout(1800 if SOAKS else 120)
def test_mutated_plans_are_read_or_refused_with_the_place_and_never_crash() -> None:
    chance = random.Random(11)
    read = refused = 0
    for number in range(COUNT):
        text = MUTATIONS[number % len(MUTATIONS)](chance)
        report, said = _read(text)
        if report is None:
            refused += 1
            assert PLACE.search(said), (number, said)
            assert len(said) < 600
        else:
            read += 1
            _use(report, number)
    assert read > COUNT / 20
    assert refused > COUNT / 20


def _read(document: Any) -> tuple[PlanReport | None, str]:
    """The plan, or what the error says."""
    try:
        return (read_any if isinstance(document, (str, bytes)) else read_plan)(document), ""
    except UsageError as error:
        return None, error.message


def _use(report: PlanReport, number: int) -> None:
    """What is read can be judged, drawn and compared."""
    assert sum(1 for _ in every_node(report.plan)) < 10_000
    if number % 7 == 0:
        examine(report)
        html_of(report).encode()
        compare(report, report)
        for output in ("json", "plain"):
            shown = show(report, words=("db", "plan"), output=output, context="c", limit=None, took_ms=1)  # type: ignore[arg-type]
            assert shown


def _bytes(chance: random.Random) -> bytes:
    """Some bytes of a saved plan replaced, dropped or doubled."""
    content = bytearray(chance.choice(list(SAVED.values())))
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(content))
        act = chance.random()
        if act < 0.4:
            content[place] = chance.randrange(256)
        elif act < 0.7:
            del content[place : place + chance.randint(1, 40)]
        else:
            content[place:place] = content[place : place + chance.randint(1, 200)]
    return bytes(content)


def _words(chance: random.Random) -> str:
    """Odd letters put into a saved plan."""
    text = chance.choice(list(SAVED.values())).decode()
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(text))
        text = text[:place] + chance.choice(ODD) + text[place + chance.randint(0, 2) :]
    return text


def _lines(chance: random.Random) -> str:
    """Lines of a plan swapped, dropped, doubled, moved to the side, or taken from another."""
    texts = list(SAVED.values())
    lines = chance.choice(texts).decode().split("\n")
    for _ in range(chance.randint(1, 6)):
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        act = chance.randrange(6)
        if act == 0:
            lines[one], lines[other] = lines[other], lines[one]
        elif act == 1 and len(lines) > 2:
            del lines[one]
        elif act == 2:
            lines.insert(one, lines[other])
        elif act == 3:
            lines[one] = " " * chance.randint(0, 12) + lines[one].lstrip()
        elif act == 4:
            lines[one] = chance.choice(chance.choice(texts).decode().split("\n"))
        else:
            lines = lines[: one + 1]
    return "\n".join(lines)


def _structure(chance: random.Random) -> str:
    """A value of a JSON plan replaced, dropped or swapped."""
    document = copy.deepcopy(chance.choice(PARSED))
    for _ in range(chance.randint(1, 3)):
        _mutate(document, chance)
    return json.dumps(document)


def _mutate(document: Any, chance: random.Random) -> None:
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = chance.choice(keys)
        inner = place[key]
        if isinstance(inner, (dict, list)) and inner and chance.random() < 0.8:
            place = inner
            continue
        if chance.random() < 0.2:
            del place[key]
        else:
            place[key] = chance.choice(VALUES[:11])
        return


MUTATIONS: list[Callable[[random.Random], str | bytes]] = [_bytes, _words, _lines, _structure]
PARSED = [json.loads(text) for text in DOCUMENTS] + [
    json.loads(text) for name, text in SAVED.items() if name.endswith("json_bare")
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(type(value).__name__))
def test_no_value_at_no_place_of_a_parsed_plan_crashes(value: Any) -> None:
    for document in PARSED[:3]:
        for path in _paths(document):
            changed = copy.deepcopy(document)
            place = changed
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            report, said = _read(changed)
            assert report is not None or "$" in said


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    return found + [below for key, item in inner for below in _paths(item, (*path, key))]


ROOT = "Sort  (cost=0.00..1.00 rows=1 width=4)\n"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"Plan":' * 50_000,
        ROOT + "".join(f"{' ' * 6 * n}  ->  Limit  (cost=0.00..1.00 rows=1 width=4)\n" for n in range(MAX_DEPTH + 50)),
        ROOT + "  Filter: 'open\n" + "x\n" * 20_000,
        ROOT + "  Sort Method: " + "A  " * 100_000,
        ROOT + "  Buffers: " + "shared " * 50_000,
        ROOT + "Trigger " + "for constraint " * 50_000 + ": calls=1",
        "-" * 300_000 + "x",
        " " * 300_000 + "+\n" * 10,
        "\n" * 50_000,
        "QUERY PLAN\n" + '"' * 100_001,
    ],
    ids=lambda text: f"{text[40:60]!r} {len(text)}",
)
def test_what_goes_on_without_end_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_any(text)


def test_more_nodes_than_any_plan_has_are_refused() -> None:
    text = ROOT + "  ->  Result  (cost=0.00..1.00 rows=1 width=4)\n" * (MAX_NODES + 10)
    with pytest.raises(UsageError, match="line 50001 is one node more than 50000"):
        read_any(text)


def test_a_plan_as_deep_as_one_may_be_is_drawn_and_printed_whole() -> None:
    lines = (f"{' ' * 6 * n}  ->  Limit  (cost=0.00..1.00 rows=1 width=4)\n" for n in range(MAX_DEPTH))
    report = read_any(ROOT + "".join(lines))
    printed = show(report, words=("db", "plan"), output="json", context="c", limit=None, took_ms=1)
    assert printed.count('"node_type": "Limit"') == MAX_DEPTH
    assert '"..."' not in printed
    assert html_of(report).count("<details") == MAX_DEPTH + 1
    for output in ("table", "plain"):
        assert show(report, words=("db", "plan"), output=output, context="c", limit=None, took_ms=1)  # type: ignore[arg-type]
