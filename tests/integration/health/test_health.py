"""`health` on real servers, and without any."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningSandbox


def _rows(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Component -> its worst status."""
    rows: list[dict[str, Any]] = json.loads(ran.stdout)["data"]["rows"]
    return {row["component"]: row["status"] for row in reversed(rows)}


def test_with_nothing_configured_it_passes_and_says_what_is_off(
    perfctl: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    ran = perfctl("health", "-o", "json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert _rows(ran) == {"disk": "pass", "redis": "off", "postgres": "off", "cdn": "off", "history": "off"}


def test_where_no_context_is_chosen_those_that_there_are_are_named(
    perfctl: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("contexts:\n  staging: {database: {host: 127.0.0.1, port: 1}}\n  prod: {}\n")
    ran = perfctl("--config", str(file), "health", "-o", "json")
    assert json.loads(ran.stdout)["warnings"] == ["no context is chosen; there is -c staging or -c prod"]
    for words in (("db", "slow"), ("cache", "stats"), ("cdn", "status")):
        hint = perfctl("--config", str(file), *words).stderr.splitlines()[-1]
        assert hint.startswith("  try:    choose a context: -c staging or -c prod; or set ")
    assert "choose" not in perfctl("--config", str(file), "-c", "prod", "db", "slow").stderr


@pytest.mark.servers
def test_a_running_stack_is_well(sandbox: RunningSandbox) -> None:
    ran = sandbox.perfctl("health", "-o", "json")
    assert ran.returncode == 0, ran.stdout
    assert {"redis": "pass", "postgres": "pass", "disk": "pass"}.items() <= _rows(ran).items()
    assert "fail" not in _rows(ran).values()


@pytest.mark.servers
def test_deep_looks_at_rights_and_settings_as_well(sandbox: RunningSandbox) -> None:
    quick = json.loads(sandbox.perfctl("health", "-o", "json").stdout)["data"]["rows"]
    deep = json.loads(sandbox.perfctl("health", "--deep", "-o", "json").stdout)["data"]["rows"]
    looked_at = {(row["component"], row["check"]) for row in deep}
    assert {(row["component"], row["check"]) for row in quick} < looked_at
    assert ("postgres", "pg_stat_statements") in looked_at


@pytest.mark.servers
def test_one_server_that_is_down_is_the_first_row_and_exit_1(sandbox: RunningSandbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ran = sandbox.perfctl("health", "-o", "json", env={"REDIS_PORT": str(taken.getsockname()[1])})
    assert ran.returncode == 1
    first = json.loads(ran.stdout)["data"]["rows"][0]
    assert (first["component"], first["status"]) == ("redis", "fail")
    assert first["fix"]
    assert _rows(ran)["postgres"] == "pass"


@pytest.mark.servers
def test_a_silent_server_does_not_keep_the_others_waiting(sandbox: RunningSandbox) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        port = str(silent.getsockname()[1])
        ran = sandbox.perfctl("health", "-o", "json", "--timeout", "300ms", env={"DB_PORT": port, "REDIS_PORT": port})
    assert ran.returncode == 1
    assert (_rows(ran)["redis"], _rows(ran)["postgres"]) == ("fail", "fail")
    assert _rows(ran)["disk"] == "pass"
