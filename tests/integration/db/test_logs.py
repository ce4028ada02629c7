"""Logs of a real server: the three formats tell the same, and the same as pgBadger tells."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from perfctl.db import logs
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.model.statements import SlowQueries
from perfctl.db.statements.order import Wanted
from perfctl.errors import ServiceError
from tests.logging_server import ENDINGS, PREFIX, logging_server, logs_of, wait_for_collector, work
from tests.pgbadger import answer, counted_by_pgbadger, counted_by_us
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.servers, pytest.mark.debian]
ALL = Wanted(limit=None)
TRANSACTIONS = 40


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small log in each format, with errors, temporary files, multi-line statements and plans' neighbours."""
    folder = tmp_path_factory.mktemp("logs")
    with logging_server(folder) as server:
        work(server, TRANSACTIONS)
        server.sql("SELECT name,\n\tcount(*)\n  FROM items\n WHERE name LIKE 'item 1%'\n GROUP BY 1\n ORDER BY 2 DESC")
        server.sql("SELECT 'Grüße, 日本', \"name\" FROM items WHERE \"name\" = 'it''s \"quoted\"'")
        server.sql("DO 'BEGIN PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN NULL; END'")
        with pytest.raises(ServiceError):
            server.sql("SELECT *\nFROM nowhere\nWHERE name = 'a\nb'")
        server.restart()
        wait_for_collector(server)
        kept = {ending: folder / path.name for ending, path in logs_of(server).items()}
        for ending, path in logs_of(server).items():
            kept[ending].write_bytes(path.read_bytes())
        assert asyncio.run(_asked(server)) == PREFIX  # and what perfctl asked is not in the logs
    return kept


async def _asked(server: PostgresServer) -> str:
    async with DatabaseOptimizer(server.config()) as database:
        return await database.log_line_prefix()


def summary(path: Path, **options: object) -> SlowQueries:
    return logs.summary([path], wanted=ALL, **options)  # type: ignore[arg-type]


def shapes(answer: SlowQueries) -> dict[str, tuple[object, ...]]:
    """What does not hang on the order of messages, in which sessions that wrote at the same time may differ."""
    return {
        row.fingerprint: (row.calls, row.total_ms, row.min_ms, row.max_ms, row.p95_ms, row.temp_bytes, row.username,
                          row.application, row.database)
        for row in answer.rows
    }  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_statements_and_totals_are_counted_as_by_pgbadger(written: dict[str, Path], ending: str) -> None:
    told, ours = answer(written[ending], PREFIX), summary(written[ending], log_line_prefix=PREFIX)
    theirs = counted_by_pgbadger(told)
    assert ours.log is not None
    assert ours.log.statements == told["overall_stat"]["queries_number"]  # type: ignore[index]
    assert ours.log.statements_ms == pytest.approx(sum(total_ms for _, total_ms in theirs.values()), abs=0.01)
    durations = told["overall_stat"]["postgres"]["queries_duration"]  # type: ignore[index]
    assert (ours.log.parse_ms, ours.log.bind_ms) == pytest.approx((durations["prepare"], durations["bind"]), abs=0.01)
    mine = counted_by_us(ours)
    assert {words: calls for words, (calls, _) in mine.items()} == {
        words: calls for words, (calls, _) in theirs.items()
    }
    assert {words: ms for words, (_, ms) in mine.items()} == {
        words: pytest.approx(ms, abs=0.01) for words, (_, ms) in theirs.items()
    }


def test_the_three_formats_tell_the_same(written: dict[str, Path]) -> None:
    csv, json, plain = (summary(written[ending]) for ending in ENDINGS)
    assert csv.log is not None
    assert csv.log.broken == csv.log.undecoded == 0
    assert csv.log.errors == 1
    assert csv.log.temp_files > 0
    for other in (json, plain):
        assert other.log is not None
        assert replace(other.log, files=(), bytes_read=0) == replace(csv.log, files=(), bytes_read=0)
        assert shapes(other) == shapes(csv)
        assert (other.total, other.database, len(other.notes)) == (csv.total, csv.database, 0)


def test_statements_come_one_by_one_with_their_values(written: dict[str, Path]) -> None:
    for ending in ENDINGS:
        every = list(logs.read([written[ending]]))
        kinds = Counter(one.kind for one in every)
        assert kinds["statement"] + kinds["execute"] == summary(written[ending]).log.statements  # type: ignore[union-attr]
        bound = [one for one in every if one.kind == "execute" and "o.item_id = $1" in one.sql and one.parameters]
        assert all(one.parameters[0] is not None and one.parameters[0].isdigit() for one in bound)
        assert {(one.application, one.username, one.database) for one in bound} == {
            ("shop prepared", "postgres", "postgres")
        }
        assert len(bound) == 2 * TRANSACTIONS


def test_packed_and_rotated_logs_are_one_log(written: dict[str, Path], tmp_path: Path) -> None:
    whole = written["csv"].read_bytes()
    cut = whole.index(b"\n2", len(whole) // 2) + 1
    third = whole.index(b"\n2", cut + len(whole) // 4) + 1
    (tmp_path / "postgresql-b.csv.gz").write_bytes(gzip.compress(whole[:cut]))
    (tmp_path / "postgresql-a.csv.zst").write_bytes(zstandard.compress(whole[cut:third]))
    (tmp_path / "postgresql-c.csv").write_bytes(whole[third:])
    parts, one = logs.summary([tmp_path / "*"], wanted=ALL), summary(written["csv"])
    assert parts.log is not None
    assert [Path(name).name[11] for name in parts.log.files] == ["b", "a", "c"]
    assert [(row.fingerprint, row.calls, row.total_ms) for row in parts.rows] == [
        (row.fingerprint, row.calls, row.total_ms) for row in one.rows
    ]


def test_a_time_and_an_application_are_asked_for(written: dict[str, Path]) -> None:
    whole = summary(written["json"])
    assert whole.since is not None
    assert whole.until is not None
    middle = whole.since + (whole.until - whole.since) / 2
    middle = middle.replace(microsecond=middle.microsecond // 1000 * 1000 + 500)  # between two times of a log
    before, after = summary(written["json"], until=middle), summary(written["json"], since=middle)
    assert before.log is not None
    assert after.log is not None
    assert whole.log is not None
    assert before.log.statements + after.log.statements == whole.log.statements
    some = logs.summary([written["json"]], wanted=Wanted(limit=None, application="shop simple"))
    assert {row.application for row in some.rows} == {"shop simple"}
    assert sum(row.calls for row in some.rows) == 2 * TRANSACTIONS * 5
