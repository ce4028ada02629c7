"""Every output, drawn from the same answer: golden tables, CSV that reads back, no byte that a terminal obeys."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import jsonschema
import pytest

from perfctl.cli.chosen import GlobalOptions
from perfctl.cli.entries import every_line
from perfctl.cli.streams import write
from perfctl.cli.terminal import Terminal
from perfctl.diagnosis import Check, diagnose
from perfctl.document.schema import document_schema
from perfctl.render.show import show
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tree, View
from tests.cli.frame import Stock, Stocks, Told, invoke

GOLDEN = Path(__file__).parent / "golden"

STOCKS = Stocks(
    (
        Stock("AAPL", "technology", 187.5, True),
        Stock("東京電力", None, 4.25, False),
        Stock("X" * 60, "a sector with a long name that says a great deal about it", 1e9, True),
    )
)
CHECKS = diagnose(
    [
        Check("redis", "connect", "pass", "Valkey 9.1 answers in 0.4 ms"),
        Check("redis", "maxmemory", "warn", "noeviction", fix="CONFIG SET maxmemory-policy allkeys-lru"),
        Check(
            "postgres",
            "pg_stat_statements",
            "fail",
            "not in shared_preload_libraries, so no query is counted",
            fix="ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; and restart",
        ),
        Check("cdn", "edge", "off", "no distribution is configured"),
    ]
)
ANSWERS = {"rows": STOCKS, "facts": Told("cleared", 12_431), "checks": CHECKS, "nothing": Stocks(())}


def drawn(answer: object, output: str, **settings: object) -> str:
    given: dict[str, object] = {
        "words": ("frame", "rows"),
        "context": "prod",
        "limit": None,
        "took_ms": 1.0,
        **settings,
    }
    return show(answer, output=output, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_table_is_the_golden_one(name: str, width: int) -> None:
    text = drawn(ANSWERS[name], "table", width=width)
    golden = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get("PERFCTL_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
    assert max(len(line) for line in text.partition("\n\n")[0].splitlines()) <= width


@pytest.mark.parametrize("name", ANSWERS)
def test_plain_columns_are_the_golden_ones(name: str) -> None:
    text = drawn(ANSWERS[name], "plain")
    golden = GOLDEN / f"{name}-plain.txt"
    if os.environ.get("PERFCTL_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("output", ["table", "plain", "json", "ndjson", "csv"])
@pytest.mark.parametrize("name", ANSWERS)
def test_no_output_holds_an_escape_byte_without_colour(name: str, output: str) -> None:
    assert "\x1b" not in drawn(ANSWERS[name], output, colour=False)


def test_colour_reaches_a_table_when_it_is_wanted() -> None:
    assert "\x1b[" in drawn(CHECKS, "table", colour=True)


def test_a_table_of_more_than_500_rows_is_drawn_plain() -> None:
    many = Stocks(tuple(Stock(f"S{i}", None, 1.0, True) for i in range(501)))
    assert drawn(many, "table") == drawn(many, "plain")
    assert drawn(many, "table", limit=500) != drawn(many, "plain", limit=500)


@pytest.mark.parametrize("output", ["table", "plain"])
def test_data_cannot_move_the_cursor_forge_a_line_or_turn_the_text(output: str) -> None:
    text = invoke("frame", "hostile", "-o", output).out
    active = [letter for letter in text if not letter.isprintable() and letter != "\n"]
    assert active == []
    assert not any(line.startswith("error: forged") for line in text.splitlines())


def test_csv_reads_back_what_was_written() -> None:
    text = invoke("frame", "hostile", "-o", "csv").out
    header, *records = csv.reader(io.StringIO(text, newline=""))
    assert header == ["symbol", "sector", "price_usd", "is_open"]
    document = json.loads(invoke("frame", "hostile", "-o", "json").out)
    assert [record[0] for record in records] == [row["symbol"] for row in document["data"]["rows"]]
    assert text.count("\r\n") == len(records) + 1


def test_json_is_one_document_that_its_schema_describes() -> None:
    outcome = invoke("frame", "rows", "3", "-o", "json", "--limit", "2")
    document = json.loads(outcome.out)
    jsonschema.validate(document, document_schema(("frame", "rows"), Stocks))
    assert document["schema"] == "perfctl.frame.rows/1"
    assert {**document["meta"], "took_ms": 0} == {
        "context": "default",
        "total": 3,
        "shown": 2,
        "truncated": True,
        "took_ms": 0,
    }


def test_ndjson_is_a_row_a_line() -> None:
    rows = [json.loads(line) for line in invoke("frame", "rows", "2", "-o", "ndjson").out.splitlines()]
    assert [row["symbol"] for row in rows] == ["S0000", "S0001"]


@pytest.mark.parametrize("output", ["table", "plain"])
def test_the_commands_with_a_schema_are_listed_one_a_line(output: str) -> None:
    lines = invoke("schema", "-o", output).out.splitlines()
    commands = json.loads(invoke("schema", "-o", "json").out)["data"]["commands"]
    assert {" ".join(words) for words in every_line()} <= set(commands)
    assert lines[: len(commands)] == commands


@pytest.mark.parametrize("output", ["plain", "csv", "ndjson"])
def test_truncation_is_said_on_stderr_where_the_output_cannot(output: str) -> None:
    assert invoke("frame", "rows", "9", "-o", output, "--limit", "2").err == "note: 2 of 9 shown, --limit 0 shows all\n"


def test_truncation_is_said_in_the_caption_of_a_table() -> None:
    assert (
        "context default · 2 of 9 shown, --limit 0 shows all"
        in invoke("frame", "rows", "9", "-otable", "--limit=2").out
    )


def test_limit_0_shows_all() -> None:
    assert len(invoke("frame", "rows", "700", "--limit", "0", "-o", "ndjson").out.splitlines()) == 700


class _Narrow(io.TextIOWrapper):
    """A stream that knows ASCII alone."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii", newline="")

    def text(self) -> str:
        self.seek(0)
        return self.read()


@pytest.mark.parametrize("output", ["table", "plain", "csv"])
def test_a_narrow_stream_gets_escapes_and_no_error(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Narrow()
    monkeypatch.setattr("sys.stdout", stream)
    write(drawn(STOCKS, output, ascii_only=True))
    assert "\\u6771\\u4eac" in stream.text()
    assert "─" not in stream.text()


def test_json_on_a_narrow_stream_is_still_json(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Narrow()
    monkeypatch.setattr("sys.stdout", stream)
    answer = Stocks((Stock("é東🎉\udc80", None, 1.0, True),))
    write(drawn(answer, "json"), is_json=True)
    assert json.loads(stream.text())["data"]["rows"][0]["symbol"] == "é東🎉\udc80"


@pytest.mark.parametrize(
    ("environ", "wish", "is_terminal", "expected"),
    [
        ({}, "auto", True, True),
        ({}, "auto", False, False),
        ({"NO_COLOR": "1"}, "auto", True, False),
        ({"NO_COLOR": ""}, "auto", True, True),
        ({"TERM": "dumb"}, "auto", True, False),
        ({"FORCE_COLOR": "0"}, "auto", True, False),
        ({"FORCE_COLOR": "1"}, "auto", False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, "auto", True, False),
        ({}, "never", True, False),
        ({"NO_COLOR": "1"}, "always", False, True),
    ],
)
def test_colour_is_decided_by_the_option_then_the_environment_then_the_stream(
    environ: dict[str, str], wish: str, is_terminal: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", _Stream(is_terminal))
    assert Terminal.of(GlobalOptions(color=wish)).colour is expected


class _Stream(io.StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def test_every_part_of_a_view_is_drawn_plain_and_boxed() -> None:
    from perfctl.render import plain, terminal

    tree = Tree((Cell("Seq Scan", "bad"), "12 ms"), (Tree(("Index Scan\x1b[2J",)),))
    table = Table(
        (Column("a"), Column("n", align="right")), (("x", "1"), (Cell("y", "good"), "22")), caption="two rows"
    )
    whole = View((table, Facts((("name", "value"),), title="facts"), tree, Text("the end", "dim")))
    assert plain.draw(whole) == (
        "A   N\nx   1\ny  22\ntwo rows\n\nfacts\nname  value\n\nSeq Scan  12 ms\n  Index Scan\\x1b[2J\n\nthe end\n"
    )
    boxed = terminal.draw(whole, caption="context prod", colour=False, width=80)
    assert "└── Index Scan\\x1b[2J" in boxed
    assert boxed.endswith("\n\nthe end\ncontext prod\n")
