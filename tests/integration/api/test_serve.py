"""`perfctl serve` as a process: what it says, what it refuses, and that it cuts no reply when it is told to end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

from tests.conftest import RunningSandbox

TOKEN = "a-token-of-the-tests-0123456789"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@contextmanager
def serving(
    home: dict[str, str], *words: str, errors: int | IO[str] = subprocess.PIPE, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    environment = {**home, "PERFCTL_API_TOKEN": TOKEN, "PERFCTL_API__REFRESH_SECONDS": "0.5", **variables}
    arguments = [sys.executable, "-m", "perfctl", *words, "serve", "--port", "0", "-o", "json"]
    process = subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=home["HOME"]
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)["data"]["url"]
    finally:
        process.kill()
        process.communicate()


def refused(home: dict[str, str], *words: str, **variables: str) -> tuple[int, dict[str, str]]:
    """The exit code and the error of a `serve` that does not begin."""
    ran = subprocess.run(
        [sys.executable, "-m", "perfctl", "serve", "-o", "json", *words],
        env={**home, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=home["HOME"],
    )
    assert ran.stdout == ""
    return ran.returncode, json.loads(ran.stderr.splitlines()[-1])["error"]


def test_another_address_is_refused_without_a_token(home: dict[str, str]) -> None:
    code, error = refused(home, "--host", "0.0.0.0", "--port", "0")
    assert (code, error["kind"]) == (7, "refused")
    assert "PERFCTL_API_TOKEN" in error["hint"]


def test_a_port_that_is_taken_and_a_token_that_others_may_try_out_are_named(home: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, error = refused(home, "--port", str(taken.getsockname()[1]))
    assert (code, error["where"]) == (2, "--port")
    assert "another program listens" in error["message"]
    code, error = refused(home, "--host", "0.0.0.0", "--port", "0", PERFCTL_API_TOKEN="short")
    assert (code, error["kind"], error["where"]) == (3, "config", "env PERFCTL_API_TOKEN")
    assert "short" not in error["message"].replace("too short", "")


def test_a_short_token_on_this_machine_s_address_is_a_warning_and_works(home: dict[str, str]) -> None:
    with serving(home, "--log-format", "json", PERFCTL_API_TOKEN="sh0rt") as (process, url):
        asked = {"operation": "set", "key": "k", "value": 1}
        headers = {"authorization": "Bearer sh0rt"}
        reply = httpx.post(f"{url}/performance/cache/operation", json=asked, headers=headers, timeout=30)
        assert reply.json()["error"]["message"].startswith("no Redis is configured")
        assert httpx.post(f"{url}/performance/cache/operation", json=asked, timeout=30).status_code == 401
        process.kill()
        said = process.stderr.read() if process.stderr else ""
    assert "env PERFCTL_API_TOKEN: a token of less than 16 characters" in said
    assert "sh0rt" not in said


class Asker(threading.Thread):
    """Asks again and again until the server is gone; keeps what was not a whole reply."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = f"{url}/performance/cache/operation"
        self.answered = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        body = {"operation": "get", "key": "a"}
        with httpx.Client(timeout=30) as client:
            while True:
                try:
                    reply = client.post(self._url, headers=BEARER, json=body)
                except httpx.HTTPError as error:
                    if "incomplete" in str(error) or "bytes" in str(error):
                        self.wrong.append(repr(error))
                    return
                if reply.status_code != 200 or reply.json()["schema"] != "perfctl.cache.get/1":
                    self.wrong.append(reply.text)
                self.answered += 1


@pytest.mark.servers
def test_it_answers_and_ends_without_cutting_a_reply(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """SIGTERM comes while requests are under way: what was done, as the audit says, was answered, all of it."""
    audit = tmp_path / "audit"
    home = {**sandbox.home, "PERFCTL_API__REQUESTS_PER_MINUTE": "0", "PERFCTL_API__AUDIT_FILE": str(audit)}
    with serving(home, "-c", sandbox.name) as (process, url):
        assert httpx.get(f"{url}/performance/metrics").json()["meta"]["context"] == sandbox.name
        with httpx.stream("GET", f"{url}/performance/events", timeout=30) as stream:
            assert stream.status_code == 200
            askers = [Asker(url) for _ in range(4)]
            for asker in askers:
                asker.start()
            while sum(asker.answered for asker in askers) < 50 and any(asker.is_alive() for asker in askers):
                threading.Event().wait(0.05)
            process.send_signal(signal.SIGTERM)
            for asker in askers:
                asker.join(30)
            for _ in stream.iter_raw():
                pass
        assert process.wait(30) == 143
    assert [asker.wrong for asker in askers] == [[], [], [], []]
    done = [line for line in audit.read_text().splitlines() if json.loads(line)["outcome"] == "done"]
    assert len(done) == sum(asker.answered for asker in askers) >= 50


def test_a_hangup_has_the_tokens_read_again_and_ends_nothing(home: dict[str, str], tmp_path: Path) -> None:
    other, file = "another-token-of-the-tests-987654", tmp_path / "token"
    file.write_text(TOKEN)
    config = tmp_path / "perfctl.yaml"
    config.write_text(f"api: {{token: {{file: {file}}}}}\n")
    variables = {name: value for name, value in home.items() if name != "PERFCTL_API_TOKEN"}
    environment = {**variables, "PERFCTL_API__REFRESH_SECONDS": "0.5"}
    words = [sys.executable, "-m", "perfctl", "--config", str(config), "-v", "serve", "--port", "0", "-o", "json"]
    process = subprocess.Popen(
        words,
        env=environment,
        cwd=home["HOME"],
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        url = json.loads(process.stdout.readline())["data"]["url"]
        file.write_text(other)
        process.send_signal(signal.SIGHUP)
        assert any("the tokens were read again" in line for line in process.stderr)
        asked = {"operation": "get", "key": "k"}
        statuses = [
            httpx.post(
                f"{url}/performance/cache/operation",
                json=asked,
                headers={"authorization": f"Bearer {token}"},
                timeout=30,
            ).status_code
            for token in (TOKEN, other)
        ]
        assert statuses[0] == 401
        assert statuses[1] != 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    finally:
        process.kill()
        process.communicate()
