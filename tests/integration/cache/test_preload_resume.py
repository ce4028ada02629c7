"""A preload that was killed goes on where it was, and begins anew where what it wrote is gone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

LINES = 200_000


class Preload:
    """One file into one namespace."""

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        self.namespace = f"resumed-{uuid.uuid4().hex[:8]}"
        self._sandbox = sandbox
        self._state = folder / "state"
        self._file = folder / "numbers.jsonl"
        self._file.write_text("".join(f'{{"key": "n:{number}", "value": {number}}}\n' for number in range(LINES)))

    def killed(self, by: signal.Signals = signal.SIGKILL) -> int:
        """Begin, and end it by a signal once it has noted how far it came; what it noted."""
        words = (sys.executable, "-m", "perfctl", "-c", self._sandbox.name, "cache", "preload", str(self._file))
        environment = {**self._sandbox.home, "PERFCTL_STATE_DIR": str(self._state)}
        with subprocess.Popen(
            [*words, "-n", self.namespace],
            env=environment,
            cwd=self._sandbox.home["HOME"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            deadline = time.monotonic() + 60
            while not (noted := list(self._state.glob("preload/*.json"))) and time.monotonic() < deadline:
                time.sleep(0.005)
            process.send_signal(by)
            self.complaint = process.communicate()[1]
        done: int = json.loads(noted[0].read_text())["done"]
        return done

    def resumed(self) -> dict[str, Any]:
        """Run to its end with --resume."""
        return self.said("preload", str(self._file), "-n", self.namespace, "--resume")

    def said(self, *words: str) -> dict[str, Any]:
        """What a command of the cache answers."""
        said = self._sandbox.perfctl("cache", *words, "-y", "-o", "json", env={"PERFCTL_STATE_DIR": str(self._state)})
        assert said.returncode == 0, said.stderr
        answer: dict[str, Any] = json.loads(said.stdout)["data"]
        return answer

    def missing(self) -> int:
        """How many of the file's keys are not on the server."""
        environment = self._sandbox.environment
        host, port, secret = (environment[f"REDIS_{name}"] for name in ("HOST", "PORT", "PASSWORD"))
        with redis.Redis(host, int(port), password=secret, protocol=2) as client:
            found = sum(1 for _ in client.scan_iter(f"perfctl:{self.namespace}:n:*", count=10_000))
        return LINES - found


@pytest.fixture
def preload(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[Preload]:
    made = Preload(sandbox, tmp_path)
    yield made
    made.said("clear", made.namespace, "--reclaim")


def test_a_killed_preload_goes_on_where_it_was(preload: Preload) -> None:
    done = preload.killed()
    assert 0 < done < LINES
    answer = preload.resumed()
    assert (answer["resumed_at"], answer["loaded"], preload.missing()) == (done, LINES - done, 0)


def test_an_interrupted_preload_says_how_to_go_on(preload: Preload) -> None:
    done = preload.killed(signal.SIGINT)
    assert preload.complaint == f"{done} entries are done, --resume goes on after them\nerror: interrupted\n"


def test_a_preload_of_which_the_beginning_was_cleared_begins_anew(preload: Preload) -> None:
    assert preload.killed() < LINES
    preload.said("clear", preload.namespace, "--reclaim")
    answer = preload.resumed()
    assert (answer["resumed_at"], answer["loaded"], preload.missing()) == (0, LINES, 0)
