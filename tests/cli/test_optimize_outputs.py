"""How a pass of optimize looks, and what a journal holds after what may happen to a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from perfctl.document.envelope import Output
from perfctl.errors import ConfigError, LockedError
from perfctl.operations.optimizing.journal import Journal
from perfctl.operations.optimizing.model import (
    Evidence,
    Finding,
    Gain,
    Measured,
    Optimization,
    RecordedRun,
    RecordedStep,
    SourceAnswer,
)
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("operations")

KEY = Finding(
    id="foreign_keys:public.orders(user_id)",
    source="foreign_keys",
    severity="warning",
    title="public.orders (user_id) refers to public.users without an index",
    subject="public.orders",
    evidence=(
        Evidence("rows", "350 000 rows in public.orders", 350_000.0, "count"),
        Evidence("size", "33.1 MB to read", 33_100_000.0, "bytes"),
    ),
    gain=Gain("33.1 MB not read for each deleted row of public.users", "the size of the table", 33_100_000.0, "bytes"),
    risk="low",
    risk_why="builds while others read and write; takes disk, and each write pays for it",
    command='CREATE INDEX CONCURRENTLY "perfctl_orders_user_id_idx" ON public.orders ("user_id");',
    command_kind="sql",
    is_safe=True,
    reverse='DROP INDEX CONCURRENTLY IF EXISTS public."perfctl_orders_user_id_idx";',
    weight=1.0,
)
FULL = Finding(
    id="redis:policy:10.0.0.7:6379",
    source="redis",
    severity="critical",
    title="10.0.0.7:6379 is 99 % full and evicts nothing: then it refuses writes",
    subject="10.0.0.7:6379",
    evidence=(Evidence("maxmemory-policy", "noeviction"), Evidence("memory", "990 MB used", 9.9e8, "bytes")),
    gain=Gain("unknown", "it avoids refused writes (OOM); nothing gets faster by it"),
    risk="medium",
    risk_why="keys of other programs on this server are evicted, too",
    command="CONFIG SET maxmemory-policy allkeys-lfu",
    command_kind="redis",
    reverse="CONFIG SET maxmemory-policy noeviction",
)
SOURCES = (
    SourceAnswer("foreign_keys", "answered", 1, None, 12.0),
    SourceAnswer("redis", "answered", 1, None, 3.0),
    SourceAnswer("pool", "skipped", 0, "no process told of its pool", 0.1),
    SourceAnswer("cdn_checks", "unanswered", 0, "no answer within 30 s", 30_000.0),
)
MEASURED = (
    Measured(name="look-up: cost", unit="cost", before=6860.0, after=50.8, how="the plan's total"),
    Measured(name="look-up: time", unit="ms", before=29.4, after=0.1, how="EXPLAIN (ANALYZE)"),
    Measured(name="index size", unit="bytes", before=0.0, after=3_790_000.0, how="pg_relation_size"),
)
RUN = RecordedRun(
    id="20261123-222503-1346a",
    started_at="2026-11-23T22:25:03+00:00",
    ended_at="2026-11-23T22:25:06+00:00",
    database="10.0.0.8:5432/shop",
    steps=(
        RecordedStep(
            finding=KEY.id,
            title=KEY.title,
            kind="index",
            subject='public."perfctl_orders_user_id_idx"',
            command=KEY.command,
            reverse=KEY.reverse,
            state="done",
            made="CREATE INDEX ...",
            measured=MEASURED,
        ),
    ),
)
NOTE = "run 20261122-010203-0000a, ANALYZE public.t; cut off: nothing is left unfinished"
FOUND = Optimization(mode="find", rows=(FULL, KEY), sources=SOURCES, notes=(NOTE,))
APPLIED = Optimization(
    mode="apply",
    rows=(FULL, replace(KEY, state="applied", measured=MEASURED, outcome="look-up: cost 6,860 -> 50.8 cost")),
    sources=SOURCES,
    applied=1,
    run_id=RUN.id,
)
ROLLED_BACK = Optimization(
    mode="rollback",
    run_id=RUN.id,
    undone=1,
    runs=(replace(RUN, steps=(replace(RUN.steps[0], state="undone", note="it was gone already"),)),),
)
ANSWERS = {
    "found": FOUND,
    "nothing": Optimization(mode="find", sources=SOURCES[:2]),
    "applied": APPLIED,
    "history": Optimization(mode="history", runs=(RUN,)),
    "no-history": Optimization(mode="history"),
    "rolled-back": ROLLED_BACK,
}


def drawn(name: str, output: Output, width: int = 80) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("optimize",))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_drawn_is_the_golden_one(name: str, width: int) -> None:
    text = drawn(name, "table", width)
    assert text == _golden(f"optimize-{name}-{width}.txt", text)
    assert "\x1b" not in text


@pytest.mark.parametrize("name", ["found", "applied"])
def test_off_a_terminal_it_is_plain(name: str) -> None:
    text = drawn(name, "plain")
    assert text == _golden(f"optimize-{name}-plain.txt", text)


def test_the_document_has_commands_and_reasons_whole() -> None:
    data = json.loads(drawn("found", "json"))["data"]
    assert data["rows"][1]["command"] == KEY.command
    assert data["rows"][1]["reverse"] == KEY.reverse
    reasons = [source["reason"] for source in data["sources"]]
    assert reasons[2:] == [
        "no process told of its pool",
        "no answer within 30 s",
    ]
    assert data["rows"][0]["gain"] == {"text": "unknown", "how": FULL.gain.how, "value": None, "unit": None}


def test_a_run_is_read_from_the_journal_as_it_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new")
    with journal.held():
        begun = journal.begin("here")
        journal.save(RUN)
        assert journal.is_held()
        with pytest.raises(LockedError), Journal(tmp_path / "new").held():
            pass
    assert not journal.is_held()
    assert journal.run(RUN.id) == RUN
    assert {run.id for run in journal.runs()} == {RUN.id, begun.id}
    assert (tmp_path / "new" / f"{RUN.id}.json").stat().st_mode & 0o777 == 0o600


def test_what_was_half_written_when_the_power_failed_is_no_run(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with journal.held():
        journal.save(RUN)
    (tmp_path / f".{RUN.id}.4711").write_text('{"form": 1, "id"')
    assert journal.runs() == (RUN,)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"form": 2}', '{"form": 1, "id": "x"}', "null"])
def test_a_file_that_is_no_journal_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / f"{RUN.id}.json").write_text(text)
    with pytest.raises(ConfigError, match=RUN.id):
        Journal(tmp_path).runs()
