"""What each command says when its server is stopped: the exit code, and an error that can be read by a program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from perfctl.cli.schema import every_command
from tests.conftest import RunningSandbox, run_perfctl

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("stopped")]

NAME = "stopped"


@dataclass(frozen=True, slots=True)
class Row:
    """How a command is run, and its exit code when nothing answers."""

    line: str
    exit_code: int
    stdin: str | None = None


ROWS: Mapping[str, Row] = {
    "health": Row("", 1),
    "optimize": Row("", 6),
    "db slow": Row("", 5),
    "db stats": Row("", 5),
    "db history record": Row("", 5),
    "db history list": Row("", 0),
    "db history prune": Row("--keep 1d", 0),
    "db query": Row("SELECT|1", 5),
    "db analyze": Row("SELECT|1", 5),
    "db activity": Row("", 5),
    "db locks": Row("", 5),
    "db watch": Row("--count 1", 5),
    "db report": Row("-f made.html", 5),
    "db baseline record": Row("stopped.json -f -", 5, stdin="SELECT 1"),
    "db check": Row("", 5),
    "db doctor": Row("", 1),
    "cache get": Row("a -n contract", 5),
    "cache set": Row("a 1 -n contract", 5),
    "cache delete": Row("a -n contract", 5),
    "cache exists": Row("a -n contract", 5),
    "cache ttl": Row("a -n contract", 5),
    "cache touch": Row("a -n contract", 5),
    "cache top": Row("", 5),
    "cache inspect": Row("a -n contract", 5),
    "cache dict train": Row("contract", 5),
    "cache dict list": Row("", 5),
    "cache check": Row("", 5),
    "cache clear": Row("contract --yes", 5),
    "cache preload": Row("- -n contract", 5, stdin='{"key": "a", "value": 1}\n'),
    "cache stats": Row("", 5),
    "cache simulate": Row("- --size 1", 0, stdin='"a"\n"a"\n'),
    "cache doctor": Row("", 1),
    "cdn invalidate": Row("/img/* --yes", 5),
    "cdn status": Row("", 5),
    "cdn queue status": Row("", 0),
    "cdn queue run": Row("", 0),
    "cdn queue drain": Row("", 0),
    "cdn queue cancel": Row("--all --dry-run", 0),
    "cdn invalidations": Row("", 5),
    "cdn preload": Row("/ --encoding gzip", 5),
    "cdn edge deploy": Row("normalize-url --no-test --yes", 5),
    "cdn edge rollback": Row("normalize-url --yes", 5),
    "cdn metrics": Row("", 5),
    "cdn headers": Row("/", 5),
    "cdn check": Row("", 5),
    "cdn diff": Row("-", 5, stdin="IsIPV6Enabled: true\n"),
    "cdn apply": Row("- --yes", 5, stdin="IsIPV6Enabled: true\n"),
    "cdn doctor": Row("", 1),
    "metrics show": Row("", 6),
    "metrics record": Row("--once --every 100ms", 6),
    "metrics export": Row("--since 1h", 0),
    "metrics watch": Row("--count 1", 6),
    "metrics check": Row("redis.hit_ratio|>=|0.5", 1),
}

NEED_NO_SERVER = ("sandbox", "config", "demo", "schema", "completion", "serve")
"""Groups that ask no server, start their own, or go on without: `serve` answers from what is known."""
READ_FILES = {
    "cdn plan",
    "cdn simulate",
    "cdn stats",
    "db plan",
    "db plan diff",
    "cdn edge lint",
    "cdn edge run",
    "cdn edge test",
    "cdn edge package",
    "cdn optimize",
    "metrics alerts",
    "metrics compare",
    "metrics report",
} | {f"cdn logs {word}" for word in ("generate", "report", "top", "misses", "errors", "pops", "latency")}
"""Commands that ask no server, in groups that do."""


@pytest.fixture(scope="module")
def stopped(sandbox_home: dict[str, str]) -> Iterator[RunningSandbox]:
    """A context whose servers were started once and are down."""
    started = run_perfctl("sandbox", "up", "--name", NAME, "--no-seed", env=sandbox_home)
    assert started.returncode == 0, started.stderr
    ended = run_perfctl("sandbox", "down", "--name", NAME, env=sandbox_home)
    assert ended.returncode == 0, ended.stderr
    yield RunningSandbox(NAME, {}, sandbox_home)
    run_perfctl("sandbox", "down", "--name", NAME, "--purge", env=sandbox_home)


def test_every_command_that_asks_a_server_has_a_row() -> None:
    asking = {" ".join(command.words) for command in every_command() if command.words[0] not in NEED_NO_SERVER}
    assert asking - READ_FILES == set(ROWS)


@pytest.mark.parametrize("words", ROWS)
def test_a_stopped_server_is_told_by_the_exit_code(stopped: RunningSandbox, words: str) -> None:
    row = ROWS[words]
    arguments = [word.replace("|", " ") for word in row.line.split()]
    ran = stopped.perfctl(*words.split(), *arguments, "-o", "json", input=row.stdin)
    assert ran.returncode == row.exit_code, ran.stderr
    assert "Traceback" not in ran.stderr
    if row.exit_code in (0, 1, 6):
        assert json.loads(ran.stdout)["meta"]["context"] == NAME
        return
    assert ran.stdout == ""
    error = json.loads(ran.stderr.splitlines()[-1])["error"]
    assert error["code"] == 5
    assert error["kind"] in ("unreachable", "timeout")
    assert error["hint"]
