"""perfctl with the group that only the tests know, as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.frame import ROOT

Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(home: dict[str, str], tmp_path: Path) -> Iterator[Started]:
    """Start a line: `start("frame", "wait", "5")`, its streams being pipes unless given; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, env: dict[str, str] | None = None, **settings: object) -> subprocess.Popen[str]:
        options: dict[str, object] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": tmp_path,
            **settings,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.frame", *words],
            env={**home, "PYTHONPATH": str(ROOT), "PERFCTL_STATE_DIR": str(tmp_path / "state"), **(env or {})},
            text=True,
            **options,  # type: ignore[call-overload]
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()
