"""csvlog, jsonlog, plain logs: whole messages whatever the pieces that they come in; what is broken harms no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.db.logs import csvlog, jsonlog, stderrlog
from perfctl.db.logs.guessing import format_of
from perfctl.db.logs.prefix import understood
from perfctl.db.logs.record import Record, Tally
from tests.campaign import campaign

AT = "2026-01-02 03:04:05.678 UTC"
PREFIX = understood("%m [%p] %q%u@%d %a ")
Reader = Callable[[Iterable[str], Tally], Iterator[list[Record]]]
READERS: dict[str, Reader] = {
    "csvlog": csvlog.records,
    "jsonlog": jsonlog.records,
    "stderr": lambda texts, tally: stderrlog.records(texts, PREFIX, tally),
}


def written(kind: str, record: Record, *, columns: int = 26) -> str:
    """The record as a server writes it in that format."""
    if kind == "jsonlog":
        told = {
            "timestamp": record.at, "user": record.user, "dbname": record.database, "pid": int(record.session),
            "error_severity": record.severity, "message": record.message, "detail": record.detail,
            "statement": record.statement, "application_name": record.application, "backend_type": "client backend",
        }  # fmt: skip
        return json.dumps({name: value for name, value in told.items() if value != ""}, ensure_ascii=False) + "\n"
    if kind == "stderr":
        before = f"{record.at} [{record.session}] {record.user}@{record.database} {record.application} "
        parts = ((record.severity, record.message), ("DETAIL", record.detail), ("STATEMENT", record.statement))
        return "".join(f"{before}{level}:  {text}\n".replace("\n", "\n\t")[:-1] for level, text in parts if text)
    row = [
        record.at, _quoted(record.user), _quoted(record.database), record.session, '"127.0.0.1:5432"', "64f0a1b2.2a",
        "7", '"SELECT"', AT, "3/42", "0", record.severity, "00000", _quoted(record.message), _quoted(record.detail),
        "", "", "", "", _quoted(record.statement), "", "", _quoted(record.application), '"client backend"', "", "-42",
    ]  # fmt: skip
    return ",".join(row[:columns]) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if text else ""


def record(message: str, *, detail: str = "", statement: str = "", kind: str = "stderr", columns: int = 26) -> Record:
    """A record as that format tells it."""
    host = "127.0.0.1:5432" if kind == "csvlog" else ""
    queryid = "-42" if kind == "csvlog" and columns == 26 else ""
    return Record(AT, "42", "jo", "shop", "my app", host, queryid, "LOG", message, detail, statement)


def read(kind: str, texts: Iterable[str]) -> tuple[list[Record], int]:
    """All records, and how many pieces were broken."""
    tally = Tally()
    found = [one for some in READERS[kind](texts, tally) for one in some]
    return found, tally.broken


_TEXTS = st.text("SELECT 'x\"y', \n\t{}[]:%é\\LOG2026-01-02", min_size=1, max_size=60).map(
    lambda text: f"duration: 1.000 ms  statement: {text.strip()}x"
)


@pytest.mark.parametrize("kind", READERS)
@campaign(60, 3_000)
@given(st.lists(st.tuples(_TEXTS, _TEXTS), min_size=1, max_size=6), st.data())
def test_messages_are_read_as_they_were_whatever_the_pieces(
    kind: str, pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    records = [record(message, detail=detail, kind=kind) for message, detail in pairs]
    lines = "".join(written(kind, one) for one in records).splitlines(keepends=True)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(lines)), max_size=4)))
    edges = [0, *cuts, len(lines)]
    texts = ["".join(lines[start:end]) for start, end in pairwise(edges)]
    assert read(kind, texts) == (records, 0)


@pytest.mark.parametrize("kind", READERS)
def test_a_log_that_is_cut_at_both_ends_loses_the_cut_messages_alone(kind: str) -> None:
    records = [record(f"duration: {i}.000 ms  statement: SELECT\n'{i}'", kind=kind) for i in range(1, 6)]
    text = "".join(written(kind, one) for one in records)
    found, broken = read(kind, [text[25:-20]])
    assert found[:3] == records[1:4]
    assert broken >= 1


@pytest.mark.parametrize("kind", READERS)
def test_garbage_between_messages_is_counted_and_harms_no_message(kind: str) -> None:
    records = [record(f"duration: {i}.000 ms  statement: SELECT\n{i}", kind=kind) for i in range(1, 4)]
    garbage = '\x00\x00junk "with, a quote\n\ufffd\ufffd,{"a":\n'
    text = garbage.join(written(kind, one) for one in records)
    found, broken = read(kind, [text])
    assert found == records
    assert broken >= 2


@pytest.mark.parametrize("columns", [23, 24, 26])
def test_rows_of_every_version_are_read(columns: int) -> None:
    one = record("duration: 1.000 ms  statement: SELECT 1", kind="csvlog", columns=columns)
    text = written("csvlog", one, columns=columns)
    assert read("csvlog", [text, text]) == ([one, one], 0)


def test_lines_of_windows_are_read() -> None:
    one = record("duration: 1.000 ms  statement: SELECT\n 1")
    assert read("stderr", [written("stderr", one).replace("\n", "\r\n")]) == ([one], 0)


def test_lines_whose_tabs_were_taken_away_are_read() -> None:
    one = record("duration: 1.000 ms  statement: SELECT\n 1")
    assert read("stderr", [written("stderr", one).replace("\n\t", "\n")]) == ([one], 0)


@pytest.mark.parametrize("kind", READERS)
def test_the_format_is_told_by_the_first_lines_even_if_the_first_is_cut(kind: str) -> None:
    text = "".join(written(kind, record(f"duration: 1.000 ms  statement: SELECT {i}", kind=kind)) for i in range(9))
    assert (format_of(text), format_of(text[30:])) == (kind, kind)
