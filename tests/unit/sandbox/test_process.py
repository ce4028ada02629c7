"""A process is known by more than its pid."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from perfctl.sandbox.orphans import reap
from perfctl.sandbox.process import end, identify, is_running, marked, send, wait_gone

MARK = f"perfctl:test:{os.getpid()}:"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", MARK]) as process:
        yield process
        process.kill()


def test_a_process_is_itself_as_long_as_it_runs(child: subprocess.Popen[bytes]) -> None:
    found = identify(child.pid)

    assert found is not None
    assert is_running(found, MARK)
    assert not is_running(found, "another mark")
    end({found: signal.SIGTERM}, grace_seconds=5)
    assert identify(child.pid) is None
    assert not is_running(found, MARK)


def test_a_zombie_is_nobody(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert identify(child.pid) is None


def test_a_recycled_pid_gets_no_signal(child: subprocess.Popen[bytes]) -> None:
    found = identify(child.pid)
    assert found is not None
    earlier = dataclasses.replace(found, started=found.started - 1)

    assert not send(earlier, signal.SIGKILL)
    assert wait_gone([earlier], 0) == []
    assert identify(child.pid) == found


def test_one_that_ignores_the_signal_is_killed() -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = identify(process.pid)
        assert found is not None
        end({found: signal.SIGTERM}, grace_seconds=0.05)

        assert identify(process.pid) is None


def test_those_with_the_mark_are_found_and_reaped_but_the_kept(child: subprocess.Popen[bytes]) -> None:
    found = identify(child.pid)
    assert found is not None

    assert marked(MARK) == [found]
    assert reap(MARK, keep=[found]) == 0
    assert reap(MARK, keep=[]) == 1
    assert marked(MARK) == []
