"""Log files: found, in the order of time, each log once, whatever they are packed in and however they end."""

from __future__ import annotations

import gzip
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from perfctl.db import logs
from perfctl.db.logs.clock import Clock
from perfctl.db.logs.record import Tally
from perfctl.db.model.logs import LogFacts
from perfctl.db.model.statements import SlowQueries
from perfctl.errors import UsageError
from tests.campaign import campaign
from tests.unit.db.logs.test_formats import READERS, record, written

LINE = "2026-01-02 03:0{}:00.000 UTC [42] LOG:  duration: {}.000 ms  statement: SELECT {}\n"


def facts(answer: SlowQueries) -> LogFacts:
    assert answer.log is not None
    return answer.log


def test_files_are_read_in_the_order_of_their_time_whatever_their_names(tmp_path: Path) -> None:
    for name, minute in (("c.log", 1), ("a.log", 2), ("b.log", 3)):
        (tmp_path / name).write_text(LINE.format(minute, minute, minute))
    assert [Path(name).name for name in facts(logs.summary([tmp_path / "*.log"])).files] == ["c.log", "a.log", "b.log"]
    assert [one.took_ms for one in logs.read([tmp_path / "*.log"])] == [1.0, 2.0, 3.0]


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format(1, 1, 1))
    (tmp_path / "same.log").symlink_to(tmp_path / "a.log")
    assert facts(logs.summary([tmp_path / "a.log", tmp_path / "*.log"])).statements == 1


def test_a_log_in_several_formats_is_read_in_the_one_that_tells_the_most(tmp_path: Path) -> None:
    for ending, kind in (("csv", "csvlog"), ("json", "jsonlog"), ("log", "stderr")):
        (tmp_path / f"postgresql.{ending}").write_text(written(kind, record("duration: 1.000 ms  statement: SELECT 1")))
    answer = logs.summary([tmp_path / "*"])
    assert [Path(name).suffix for name in facts(answer).files] == [".csv"]
    assert facts(answer).statements == 1
    assert len(answer.notes) == 2


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path: Path, pack: object) -> None:
    chance = random.Random(7)
    content = "".join(LINE.format(1, i % 900 + 1, chance.random()) for i in range(20_000)).encode()
    packed = pack(content)  # type: ignore[operator]
    (tmp_path / "cut.log.gz").write_bytes(packed[: len(packed) // 2])
    answer = logs.summary([tmp_path / "cut.log.gz"])
    assert 0 < facts(answer).statements < 20_000
    assert "could be read in part alone" in " ".join(answer.notes)


def test_files_of_another_time_are_not_read(tmp_path: Path) -> None:
    for name, day in (("old.log", "2026-01-02"), ("new.log", "2026-01-05")):
        (tmp_path / name).write_text(LINE.format(1, 1, 1).replace("2026-01-02", day))
    os.utime(tmp_path / "old.log", (1767322800.0, 1767322800.0))
    since = datetime(2026, 1, 4, tzinfo=UTC)
    assert [Path(name).name for name in facts(logs.summary([tmp_path / "*"], since=since)).files] == ["new.log"]
    until = datetime(2026, 1, 3, tzinfo=UTC)
    assert [Path(name).name for name in facts(logs.summary([tmp_path / "*"], until=until)).files] == ["old.log"]


@pytest.mark.parametrize("name", ["", "nowhere.log", "*.nowhere"])
def test_a_name_that_finds_nothing_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"there is no such file|is a folder"):
        logs.summary([name])


def test_bytes_that_are_no_text_are_replaced_and_counted(tmp_path: Path) -> None:
    (tmp_path / "latin.log").write_bytes(LINE.format(1, 1, "'é'").encode("latin-1"))
    answer = logs.summary([tmp_path / "latin.log"])
    assert (facts(answer).statements, facts(answer).undecoded) == (1, 1)


@pytest.mark.parametrize("kind", READERS)
@campaign(25, 20_000)
@given(data=st.data())
def test_no_damage_is_more_than_counted(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [written(kind, record(f"duration: {i}.000 ms  statement: SELECT\n'{i}'", detail="parameters: $1 = 'a'"))
             for i in range(1, 9)]  # fmt: skip
    content = bytearray("".join(lines).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        size = data.draw(st.sampled_from((0, 1, 5, 80)))
        content[at : at + size] = data.draw(
            st.sampled_from((b"", b'"', b"\n", b"\n\t", b"\x00", b"\xff", b"{", b"LOG:  ", b"%"))
        )
    file = tmp_path_factory.getbasetemp() / f"damaged-{kind}"
    file.write_bytes(bytes(content))
    assert facts(logs.summary([file])).statements <= 12
    assert len(list(logs.read([file]))) <= 12


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("2026-01-02 03:04:05.678 UTC", "2026-01-02T03:04:05.678000+00:00"),
        ("2026-01-02 03:04:05 CEST", "2026-01-02T01:04:05+00:00"),
        ("2026-01-02 03:04:05 -0330", "2026-01-02T06:34:05+00:00"),
        ("2026-01-02 03:04:05 +05:45", "2026-01-01T21:19:05+00:00"),
        ("1767323045.678", "2026-01-02T03:04:05.678000+00:00"),
    ],
)
def test_times_of_every_zone_are_moments(at: str, moment: str) -> None:
    assert Clock(Tally()).moment(at) == datetime.fromisoformat(moment)


def test_a_zone_that_is_not_known_is_said() -> None:
    tally = Tally()
    assert Clock(tally).moment("2026-01-02 03:04:05 XYZT") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert tally.notes == ["the time zone 'XYZT' is not known: its times are taken for UTC"]


@pytest.mark.parametrize("at", ["", "no time", "2026-13-01 00:00:00 UTC", "nan", "9" * 30])
def test_what_is_no_time_is_none(at: str) -> None:
    assert Clock(Tally()).moment(at) is None
