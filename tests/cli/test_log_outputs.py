"""Slow queries from log files, as they are drawn and as the command reads them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perfctl.db import logs
from perfctl.render.show import show
from tests.cli.golden_files import golden_of
from tests.conftest import Perfctl

_golden = golden_of("db")
PREFIX = "%m [%p] %q%u@%d "
_SESSION = "[42] jo@shop"
_ITEM, _OLD = (
    "SELECT name FROM items WHERE id = $1",
    "SELECT * FROM orders WHERE status = 'old' AND placed > '2025-01-01'",
)
LOG = f"""\
2026-01-02 03:04:00.000 UTC [1] LOG:  checkpoint starting: time
2026-01-02 03:04:01.000 UTC {_SESSION} LOG:  duration: 12.500 ms  statement: SELECT *
\t  FROM orders
\t WHERE status = 'new' AND placed > '2026-01-01'
2026-01-02 03:04:02.000 UTC {_SESSION} LOG:  duration: 0.100 ms  parse <unnamed>: {_ITEM}
2026-01-02 03:04:02.001 UTC {_SESSION} LOG:  duration: 0.050 ms  bind <unnamed>: {_ITEM}
2026-01-02 03:04:02.001 UTC {_SESSION} DETAIL:  parameters: $1 = '7'
2026-01-02 03:04:02.003 UTC {_SESSION} LOG:  duration: 1.250 ms  execute <unnamed>: {_ITEM}
2026-01-02 03:04:02.003 UTC {_SESSION} DETAIL:  parameters: $1 = '7'
2026-01-02 03:04:03.000 UTC {_SESSION} ERROR:  relation "nowhere" does not exist at character 15
2026-01-02 03:04:03.000 UTC {_SESSION} STATEMENT:  SELECT * FROM nowhere
2026-01-02 03:04:04.000 UTC {_SESSION} LOG:  temporary file: path "base/pgsql_tmp/pgsql_tmp42.0", size 870000
2026-01-02 03:04:04.000 UTC {_SESSION} STATEMENT:  {_OLD}
2026-01-02 03:04:05.000 UTC {_SESSION} LOG:  duration: 250.750 ms  statement: {_OLD}
a line of something else
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "postgresql.log"
    file.write_text(LOG)
    return file


@pytest.mark.parametrize("width", [80, 120])
def test_a_drawing_is_the_golden_one(log: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(log.parent)
    answer = logs.summary([log.name], log_line_prefix=PREFIX)
    text = show(answer, words=("db", "slow"), output="table", context="prod", limit=None, took_ms=1.0, width=width)
    assert text == _golden(f"slow-logs-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width


def document(perfctl: Perfctl, *words: str, **settings: object) -> dict[str, object]:
    done = perfctl("db", "slow", *words, "-o", "json", **settings)
    assert done.returncode == 0, done.stderr
    data: dict[str, object] = json.loads(done.stdout)["data"]
    return data


@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress], ids=["plain", "gzip"])
def test_the_command_reads_log_files_without_a_server(
    perfctl: Perfctl, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "a.log").write_bytes(pack(LOG.encode()))
    data = document(perfctl, "--log", "a.*", "--log-line-prefix", PREFIX)
    assert isinstance(data["rows"], list)
    assert [(row["calls"], row["total_ms"], row["temp_bytes"]) for row in data["rows"]] == [
        (2, 263.25, 870_000),
        (1, 1.25, 0),
    ]


def test_the_command_reads_a_log_from_stdin(perfctl: Perfctl) -> None:
    assert document(perfctl, "--log", "-", input=LOG)["source"] == "logs"


def test_a_file_that_is_not_there_is_a_usage_error(perfctl: Perfctl) -> None:
    done = perfctl("db", "slow", "--log", "nowhere.log")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere.log: there is no such file" in done.stderr


def test_a_file_without_statements_is_a_good_answer(perfctl: Perfctl, tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    assert document(perfctl, "--log", "empty.log")["rows"] == []


@pytest.mark.parametrize("content", [bytes(range(256)) * 50, b"SELECT 1\n"], ids=["binary", "text"])
def test_what_is_no_log_is_not_taken_for_one_without_slow_queries(
    perfctl: Perfctl, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "junk.log").write_bytes(content)
    done = perfctl("db", "slow", "--log", "junk.log")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing that PostgreSQL logs was found in junk.log" in done.stderr


def test_a_time_is_asked_for(perfctl: Perfctl, log: Path) -> None:
    data = document(
        perfctl, "--log", str(log), "--since", "2026-01-02T03:04:02", "--until", "2026-01-02T04:04:03+01:00"
    )
    assert isinstance(data["rows"], list)
    assert [row["calls"] for row in data["rows"]] == [1]
