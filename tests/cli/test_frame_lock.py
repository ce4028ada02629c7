"""One run at a time: the lock dies with its process, and those who come second leave quietly."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from perfctl.cli.lock import file_lock
from perfctl.errors import ConfigError, LockedError
from tests.cli.conftest import Started

STARTS = 100 if os.environ.get("PERFCTL_SOAK") else 12


def until(file: Path) -> None:
    """Wait for a file that another process makes."""
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} never came"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def test_of_many_starts_one_runs_and_the_others_leave_with_8(start: Started, tmp_path: Path) -> None:
    holder = start("frame", "wait", "60", "--lock", "x", "--mark", str(tmp_path / "mark"))
    until(tmp_path / "mark.begun")
    others = [start("frame", "wait", "60", "--lock", "x", "-q") for _ in range(STARTS - 1)]
    ends = [(other.communicate(timeout=100), other.returncode) for other in others]
    refusal = (
        "error: another run holds the lock 'x'\n"
        "  try:    run it again when the other has ended; runs with another --lock NAME do not wait for each other\n"
    )
    assert ends == [(("", refusal), 8)] * (STARTS - 1)
    holder.send_signal(signal.SIGTERM)
    assert holder.wait(30) == 143
    assert start("frame", "wait", "0", "--lock", "x").wait(30) == 0


def test_a_second_cron_run_of_the_same_words_and_context_says_nothing(start: Started, tmp_path: Path) -> None:
    holder = start("frame", "wait", "60", "--cron", "-c", "prod", "--mark", str(tmp_path / "mark"))
    until(tmp_path / "mark.begun")
    second = start("frame", "wait", "60", "--cron", "-c", "prod")
    assert (second.communicate(timeout=30), second.returncode) == (("", ""), 8)
    other_context = start("frame", "wait", "0", "--cron", "-c", "staging")
    assert (other_context.communicate(timeout=30), other_context.returncode) == (("", ""), 0)
    holder.kill()
    holder.communicate()


def test_a_killed_holder_leaves_no_lock(start: Started, tmp_path: Path) -> None:
    holder = start("frame", "wait", "60", "--lock", "x", "--mark", str(tmp_path / "mark"))
    until(tmp_path / "mark.begun")
    holder.kill()
    holder.communicate()
    with file_lock("x"):
        pass


def test_names_that_are_no_file_names_do_not_meet(state: Path) -> None:
    names = ["a/b", "a-b", "../a", "a b", "a" * 200, "a" * 199, ".", "é", "è"]
    for index, name in enumerate(names):
        with file_lock(name):
            for other in names[:index]:
                with file_lock(other):
                    pass
            with pytest.raises(LockedError), file_lock(name):
                pass
    assert {file.parent for file in state.rglob("*.lock")} == {state / "locks"}
    assert len(list(state.rglob("*.lock"))) == len(names)


def test_a_child_does_not_inherit_the_lock() -> None:
    with file_lock("x"):
        child = subprocess.Popen(["sleep", "30"], close_fds=False)
    with file_lock("x"):
        pass
    child.kill()
    child.wait()


def test_without_a_folder_that_can_be_written_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", "/proc/perfctl")
    with pytest.raises(ConfigError) as failure, file_lock("x"):
        pass
    assert failure.value.hint == "set PERFCTL_STATE_DIR to a folder that can be written"
    assert failure.value.where == "env PERFCTL_STATE_DIR"


@pytest.mark.parametrize("missing", [(), ("HOME",), ("HOME", "PERFCTL_STATE_DIR", "PATH", "LANG")], ids=str)
def test_cron_needs_no_home_no_locale_and_no_terminal(missing: tuple[str, ...], start: Started, tmp_path: Path) -> None:
    import sys

    from tests.cli.frame import ROOT

    kept = {"HOME": "/nonexistent", "PERFCTL_STATE_DIR": str(tmp_path / "state"), "LANG": "xx_XX.unknown"}
    environ = {name: value for name, value in kept.items() if name not in missing}
    run = subprocess.run(
        [sys.executable, "-m", "tests.cli.frame", "frame", "wait", "0", "--cron"],
        env={**environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
        cwd="/",
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
