"""`perfctl db watch` on a real terminal, and off one; `db activity` and `db locks` that end sessions, as processes."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Perfctl
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("watch")]

ENTER, LEAVE = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"
PATIENCE_SECONDS = 60.0


def variables(server: PostgresServer) -> dict[str, str]:
    return {"DB_HOST": "127.0.0.1", "DB_PORT": str(server.port), "DB_NAME": "postgres", "DB_USER": "postgres"}


class Screen:
    """A process on a terminal of its own, and all that it wrote there."""

    def __init__(self, *words: str, env: dict[str, str], cwd: Path) -> None:
        self.seen = b""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "perfctl", *words], stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=env,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def until(self, wanted: bytes, times: int = 1) -> None:
        """Read until it wrote that so often."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.seen.count(wanted) < times:
            assert time.monotonic() < end, self.seen[-2000:]
            self._read()

    def rest(self) -> int:
        """Read what is left; its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 1.0)[0]:
            return self.process.poll() is None
        try:
            piece = os.read(self._master, 65536)
        except OSError:
            return False
        self.seen += piece
        return bool(piece)


@contextmanager
def screen(*words: str, server: PostgresServer, home: dict[str, str], cwd: Path, **env: str) -> Iterator[Screen]:
    shown = Screen(
        *words, env={**home, **variables(server), "TERM": "xterm", "COLUMNS": "80", "LINES": "40", **env}, cwd=cwd
    )
    try:
        yield shown
    finally:
        shown.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"])
def test_the_screen_is_painted_anew_and_is_as_it_was_afterwards(
    postgres: PostgresServer, home: dict[str, str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with screen("db", "watch", "--interval", "100ms", server=postgres, home=home, cwd=tmp_path) as shown:
        shown.until(b"\x1b[H", 3)
        shown.process.send_signal(number)
        assert shown.rest() == code
        text = shown.seen
    assert text.startswith(ENTER)
    assert (text.count(ENTER), text.count(LEAVE)) == (1, 1)
    painted, _, after = text.partition(LEAVE)
    assert b"transactions/s" in painted
    assert b"\x1b" not in after.replace(b"\x1b[0m", b"")
    assert b"Traceback" not in text


def test_a_picture_fits_on_the_screen(postgres: PostgresServer, home: dict[str, str], tmp_path: Path) -> None:
    line = ("db", "watch", "--interval", "100ms", "--count", "2")
    with screen(*line, server=postgres, home=home, cwd=tmp_path) as shown:
        assert shown.rest() == 0
        picture = shown.seen.split(b"\x1b[H")[2].decode().split("\x1b[J")[0]
    assert len(picture.splitlines()) <= 24


@pytest.mark.parametrize("how", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["no-color", "dumb"])
def test_without_colours_there_are_lines_and_no_escape(
    postgres: PostgresServer, home: dict[str, str], tmp_path: Path, how: dict[str, str]
) -> None:
    line = ("db", "watch", "--interval", "100ms", "--count", "3")
    with screen(*line, server=postgres, home=home, cwd=tmp_path, **how) as shown:
        assert shown.rest() == 0
        text = shown.seen
    assert b"\x1b" not in text
    assert len(text.decode().splitlines()) == 4


def test_a_pipe_gets_a_line_a_moment(postgres: PostgresServer, perfctl: Perfctl) -> None:
    done = perfctl("db", "watch", "--interval", "100ms", "--count", "3", env=variables(postgres))
    head, *lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, head.split()[0], len(lines)) == (0, "", "time", 3)
    assert {len(line) for line in lines} == {len(head)}


def test_a_document_a_line_comes_while_it_watches(postgres: PostgresServer, perfctl: Perfctl) -> None:
    done = perfctl("db", "watch", "--interval", "100ms", "--count", "2", "-o", "ndjson", env=variables(postgres))
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["transactions_per_second"] is None
    assert second["at"] > first["at"]


@contextmanager
def sleeper(server: PostgresServer, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A session that holds a transaction open and does nothing."""
    process = subprocess.Popen(
        [server.install.bin / "psql", f"{server.dsn}?application_name={name}", "-X", "-q"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=server.install.environ,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        process.stdin.write(b"BEGIN; SELECT 1;\n")
        process.stdin.flush()
        for _ in range(600):
            query = f"SELECT 1 FROM pg_stat_activity WHERE application_name = '{name}' AND state LIKE 'idle in %'"
            if server.sql(query):
                break
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_ending_a_session_is_asked_for_dry_and_done(postgres: PostgresServer, perfctl: Perfctl) -> None:
    line = ("db", "activity", "--terminate", "--idle-in-transaction", "--application", "dozer", "-o", "json")
    with sleeper(postgres, "dozer"):
        refused = perfctl(*line, env=variables(postgres))
        dry = perfctl(*line, "--dry-run", env=variables(postgres))
        many = perfctl(*line, "--yes", "--max-affected", "0", env=variables(postgres))
        done = perfctl(*line, "--yes", env=variables(postgres))
        again = perfctl(*line, "--yes", env=variables(postgres))
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "--yes" in refused.stderr
    assert (many.returncode, many.stdout) == (7, "")
    assert [row["outcome"] for row in json.loads(dry.stdout)["data"]["rows"]] == ["would be ended"]
    assert (done.returncode, [row["outcome"] for row in json.loads(done.stdout)["data"]["rows"]]) == (0, ["ended"])
    assert (again.returncode, json.loads(again.stdout)["data"]["rows"]) == (0, [])


def test_a_redacted_answer_names_nobody(postgres: PostgresServer, perfctl: Perfctl) -> None:
    with sleeper(postgres, "payroll-api"):
        said = perfctl("db", "activity", "--redact", "-o", "json", env=variables(postgres))
        plain = perfctl("db", "activity", env=variables(postgres))
    assert "payroll-api" in plain.stdout
    assert said.returncode == 0
    assert "payroll" not in said.stdout
    assert "127.0.0.1" not in said.stdout
