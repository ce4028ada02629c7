"""A signal that comes while a command is being started."""

from __future__ import annotations

import os
import signal
import subprocess
from types import FrameType
from typing import Any

import pytest

from perfctl.metrics.comparing.running import run_once


class _EndedError(Exception):
    """What the handler raises."""


def _raises(_number: int, _frame: FrameType | None) -> None:
    raise _EndedError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_was_just_started_is_ended(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Signalled(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(subprocess, "Popen", Signalled)
    before = signal.signal(number, _raises)
    try:
        with pytest.raises(_EndedError):
            run_once("sleep 60", "a", timeout_seconds=60)
        assert signal.getsignal(number) is _raises
    finally:
        signal.signal(number, before)
    assert started[0].returncode is not None


def test_a_command_may_be_interrupted_itself() -> None:
    took = run_once("grep '^SigBlk' /proc/self/status", "a", timeout_seconds=60, keep_output=True)
    blocked = int(took.output.split()[1], 16)
    assert not [each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if blocked & 1 << each - 1]
