"""How a run ends: exit codes, three lines, one line for cron, a crash file for a bug."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from perfctl import errors
from tests.cli.frame import SECRET, invoke

CODES = {
    "UsageError": 2,
    "ConfigError": 3,
    "NotConfiguredError": 3,
    "AuthError": 4,
    "UnreachableError": 5,
    "TimedOutError": 5,
    "RefusedError": 7,
    "LockedError": 8,
    "ServiceError": 9,
}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("kind", CODES)
def test_an_error_is_three_lines_and_the_exit_code_of_its_kind(kind: str) -> None:
    assert invoke("frame", "fail", kind) == (
        CODES[kind],
        "",
        f"error: made to fail: {kind}\n  set by: perfctl.yaml:3:7\n  try:    ask for less\n",
    )


@pytest.mark.parametrize("kind", CODES)
def test_an_error_is_a_document_with_json(kind: str) -> None:
    outcome = invoke("frame", "fail", kind, "-o", "json")
    assert outcome.out == ""
    assert json.loads(outcome.err) == {
        "error": {
            "code": CODES[kind],
            "kind": getattr(errors, kind).kind,
            "message": f"made to fail: {kind}",
            "hint": "ask for less",
            "where": "perfctl.yaml:3:7",
        }
    }


def test_every_kind_of_error_is_in_the_table() -> None:
    kinds = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.PerfctlError)
    }
    assert kinds - {"PerfctlError", "MissingExtraError"} == set(CODES)


@pytest.mark.parametrize("code", [0, 1, 6])
def test_an_answer_is_on_stdout_whatever_it_is(code: int) -> None:
    outcome = invoke("frame", "answer", str(code), "-o", "json")
    assert (outcome.code, json.loads(outcome.out)["data"], outcome.err) == (
        code,
        {"done": "answered", "count": code},
        "",
    )


@pytest.mark.parametrize(
    ("kind", "again"), [("UnreachableError", "a retry may help"), ("AuthError", "a retry does not help")]
)
def test_a_failure_under_cron_is_one_line_with_context_kind_and_whether_to_retry(kind: str, again: str) -> None:
    outcome = invoke("frame", "fail", kind, "--cron", "-c", "prod")
    error = getattr(errors, kind)
    assert outcome.err == (
        f"perfctl frame fail: made to fail: {kind} (perfctl.yaml:3:7): "
        f"{error.kind}, exit {error.exit_code}, context prod; {again}\n"
    )


@pytest.mark.parametrize("before", [("-c", "frame"), ("-qc", "frame"), ("--context", "frame"), ("--context=frame",)])
def test_a_failure_under_cron_names_the_command_and_no_options_value(before: tuple[str, ...]) -> None:
    assert invoke(*before, "--cron", "frame", "fail", "AuthError").err.startswith("perfctl frame fail: ")


def test_success_under_cron_says_nothing() -> None:
    assert invoke("frame", "rows", "3", "--cron") == (0, "", "")
    assert invoke("frame", "warn", "--cron") == (0, "", "")


def test_an_answer_under_cron_is_printed_when_it_is_no_or_was_asked_for() -> None:
    assert invoke("frame", "answer", "1", "--cron") == (1, "done   answered\ncount  1\n", "")
    assert json.loads(invoke("frame", "rows", "3", "--cron", "-o", "json").out)["meta"]["shown"] == 3


def test_a_bug_is_three_lines_and_a_crash_file(state: Path) -> None:
    outcome = invoke("frame", "crash", "sum of the parts")
    (file,) = (state / "crashes").iterdir()
    assert outcome == (
        70,
        "",
        "error: a bug in perfctl: ValueError: sum of the parts\n"
        f"  set by: {file}\n  try:    report it with that file; --debug shows it here\n",
    )
    text = file.read_text()
    assert "Traceback (most recent call last)" in text
    assert "perfctl frame crash ...\n" in text
    assert SECRET not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_bug_without_a_folder_for_its_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", "/dev/null/state")
    outcome = invoke("frame", "crash", "sum")
    assert outcome.code == 70
    assert outcome.err.splitlines()[1].startswith(
        "  set by: no crash file: no folder for locks and state: /dev/null/state"
    )


def test_only_the_newest_crash_files_are_kept(state: Path) -> None:
    (state / "crashes").mkdir(parents=True)
    for i in range(25):
        (state / "crashes" / f"20200101T0000{i:02}-1.txt").touch()
    invoke("frame", "crash", "sum")
    assert len(list((state / "crashes").iterdir())) == 20


def test_debug_shows_the_traceback_without_secrets() -> None:
    outcome = invoke("frame", "crash", "sum", "--debug")
    assert "Traceback (most recent call last)" in outcome.err
    assert SECRET not in outcome.err
    assert "Traceback" in invoke("frame", "fail", "AuthError", "--debug").err
    assert "Traceback" not in invoke("frame", "fail", "AuthError").err


def test_a_warning_of_a_logger_is_on_stderr_and_in_the_document() -> None:
    outcome = invoke("frame", "warn", "-o", "json")
    assert json.loads(outcome.out)["warnings"] == [
        "slow: 12 ms, postgresql://app:***@db/app",
        "half of it is old",
    ]
    assert outcome.err == "warning: slow: 12 ms, postgresql://app:***@db/app\nwarning: half of it is old\n"


@pytest.mark.parametrize("more", [(), ("--debug",)], ids=["", "debug"])
def test_stderr_of_a_failure_is_one_document_whatever_was_warned_of(more: tuple[str, ...]) -> None:
    outcome = invoke("frame", "warn", "--fail", "-o", "json", *more)
    document = json.loads(outcome.err)
    assert (outcome.code, outcome.out, document["error"]["message"]) == (9, "", "made to fail")
    assert document["warnings"] == ["slow: 12 ms, postgresql://app:***@db/app", "half of it is old"]
    assert ("traceback" in document["error"]) == bool(more)
    assert SECRET not in outcome.err


def test_the_log_is_json_when_that_is_asked_for() -> None:
    lines = [json.loads(line) for line in invoke("frame", "warn", "--log-format", "json", "-v").err.splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("warning", "slow: 12 ms, postgresql://app:***@db/app"),
        ("info", "looked twice"),
        ("warning", "half of it is old"),
    ]


def test_quiet_keeps_warnings_in_the_document_alone() -> None:
    outcome = invoke("frame", "warn", "-q", "-o", "json")
    assert (len(json.loads(outcome.out)["warnings"]), outcome.err) == (2, "")


def test_nothing_of_a_run_stays_behind_in_the_process() -> None:
    import logging
    import signal

    before = (
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM),
        logging.getLogger("perfctl").handlers[:],
    )
    invoke("frame", "warn")
    invoke("frame", "crash", "x")
    after = (
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM),
        logging.getLogger("perfctl").handlers[:],
    )
    assert after == before
    assert "PERFCTL_STATE_DIR" in os.environ


def test_a_broken_installation_is_one_line_and_exit_70(tmp_path: Path) -> None:
    broken = "import sys; sys.modules['perfctl.units'] = None; from perfctl.cli.app import main; main()"
    command = [sys.executable, "-c", broken, "cache", "get", "k"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    expected = "error: a bug in perfctl, or a broken installation: ModuleNotFoundError\n"
    assert (done.returncode, done.stdout, done.stderr) == (70, "", expected)
