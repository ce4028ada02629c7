"""Ctrl-C, SIGTERM, SIGHUP and the deadline: clean-up first, then the exit code, and no half document."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from perfctl.cli import process
from perfctl.cli.signals import INTERRUPTS, Stopped
from tests.cli.conftest import Started, start
from tests.cli.test_frame_lock import until

__all__ = ["start"]

ENDS = {
    signal.SIGINT: (130, "error: interrupted\n"),
    signal.SIGTERM: (143, "error: terminated by SIGTERM\n"),
    signal.SIGHUP: (143, "error: terminated by SIGHUP\n"),
}


@pytest.mark.parametrize("command", ["wait", "nap"])
@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
def test_a_signal_ends_a_run_after_its_clean_up(
    number: signal.Signals, command: str, start: Started, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    run = start("frame", command, "60", "--mark", str(mark))
    until(tmp_path / "mark.begun")
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (ENDS[number][0], "", ENDS[number][1])
    assert mark.exists()


def test_a_thread_that_nothing_can_cancel_is_not_waited_for(start: Started, tmp_path: Path) -> None:
    run = start("frame", "thread", "60", "--mark", str(tmp_path / "mark"))
    until(tmp_path / "mark.begun")
    run.send_signal(signal.SIGTERM)
    assert (run.communicate(timeout=60), run.returncode) == (("", "error: terminated by SIGTERM\n"), 143)


@pytest.mark.parametrize("command", ["wait", "nap", "thread"])
def test_the_deadline_ends_a_run_whatever_it_does(command: str, start: Started) -> None:
    run = start("frame", command, "60", "--deadline", "300ms")
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (5, "")
    assert err.splitlines()[0] == "error: the run took longer than --deadline 0.3s"


def test_the_deadline_counts_the_jitter(start: Started) -> None:
    run = start("frame", "rows", "1", "--jitter", "366d", "--deadline", "300ms")
    assert run.wait(60) == 5


def test_a_run_inside_its_deadline_is_not_disturbed(start: Started) -> None:
    run = start("frame", "wait", "0.01", "--deadline", "60s", "-o", "json")
    out, err = run.communicate(timeout=60)
    assert (run.returncode, json.loads(out)["data"]["done"], err) == (0, "waited", "")


def test_an_interruption_is_a_document_with_json(start: Started, tmp_path: Path) -> None:
    run = start("frame", "wait", "60", "--mark", str(tmp_path / "mark"), "-o", "json")
    until(tmp_path / "mark.begun")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out, json.loads(err)["error"]["kind"]) == (130, "", "interrupted")


def test_what_a_shell_told_to_ignore_stays_ignored(start: Started, tmp_path: Path) -> None:
    run = start(
        "frame", "wait", "1", "--mark", str(tmp_path / "mark"),
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    until(tmp_path / "mark.begun")
    run.send_signal(signal.SIGHUP)
    run.communicate(timeout=60)
    assert run.returncode == 0


def test_a_document_that_is_being_written_is_written_to_its_end(start: Started) -> None:
    run = start("frame", "rows", "20000", "-o", "json")
    assert run.stdout is not None
    head = os.read(run.stdout.fileno(), 1).decode()
    run.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    out, _ = run.communicate(timeout=90)
    assert run.returncode == 0
    assert len(json.loads(head + out)["data"]["rows"]) == 20000


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_a_signal_at_any_moment_shows_no_traceback(pause: float, start: Started) -> None:
    run = start("frame", "wait", "60")
    time.sleep(pause)
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=60)
    assert out == ""
    assert "Traceback" not in err
    assert run.returncode in (143, -signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_reader_who_no_longer_reads_holds_up_no_signal(number: signal.Signals, start: Started) -> None:
    run = start("frame", "rows", "20000", "-o", "json")
    assert run.stdout is not None
    assert os.read(run.stdout.fileno(), 1)
    run.send_signal(number)
    assert run.wait(60) == ENDS[number][0]


def test_a_reader_who_no_longer_reads_holds_up_no_deadline(start: Started) -> None:
    run = start("frame", "rows", "20000", "-o", "json", "--deadline", "2s")
    assert run.wait(60) == 5


@pytest.mark.parametrize("command", ["wait", "nap"])
@pytest.mark.parametrize("pause", [0.0, 0.01, 0.1])
def test_a_signal_that_comes_twice_at_once_is_one(pause: float, command: str, start: Started, tmp_path: Path) -> None:
    run = start("frame", command, "60", "--mark", str(tmp_path / "mark"))
    until(tmp_path / "mark.begun")
    run.send_signal(signal.SIGTERM)
    time.sleep(pause)
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (143, "", ENDS[signal.SIGTERM][1])
    assert (tmp_path / "mark").exists()


def test_a_second_signal_ends_a_run_that_cleans_up_for_ever(start: Started, tmp_path: Path) -> None:
    run = start("frame", "stubborn", "60", "--mark", str(tmp_path / "mark"))
    until(tmp_path / "mark.begun")
    run.send_signal(signal.SIGINT)
    time.sleep(1)
    run.send_signal(signal.SIGINT)
    assert (run.communicate(timeout=60), run.returncode) == (("", "error: interrupted\n"), 130)


def test_what_a_signal_broke_is_not_called_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_argv: object) -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException as error:
            raise RuntimeError("an import that was cut off") from error
        return 0

    monkeypatch.setattr(process, "_parsed", broken)
    assert process.run(["health"]) == 143


def test_a_signal_that_comes_while_a_piece_is_written_ends_the_run_after_it() -> None:
    with INTERRUPTS.watched(lambda _error: None):
        with INTERRUPTS.undisturbed():
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped):
            INTERRUPTS.heed()
