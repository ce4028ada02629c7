"""Pipes that close, disks that are full, streams that are not there: one clear end, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.frame import ROOT

LINES = [
    ("frame", "rows", "20000"),
    ("frame", "rows", "3", "-o", "json"),
    ("frame", "rows", "3", "-o", "table"),
    ("--help",),
    ("--version",),
    ("frame", "--help"),
    ("frame", "rows", "--help"),
    ("completion", "bash"),
    ("schema", "health"),
]


def shell(script: str, home: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `perfctl` is this one."""
    return subprocess.run(
        ["bash", "-c", f'perfctl() {{ "{sys.executable}" -m tests.cli.frame "$@"; }}\n{script}'],
        env={**home, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_full_disk_is_one_error_and_exit_9(words: tuple[str, ...], home: dict[str, str], tmp_path: Path) -> None:
    run = shell(f"perfctl {' '.join(words)} > /dev/full", home, tmp_path)
    assert run.returncode == 9
    assert "cannot write to stdout: No space left on device" in run.stderr.splitlines()[0]
    assert run.stderr.count("\n") <= 2


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_reader_who_leaves_is_no_error(words: tuple[str, ...], home: dict[str, str], tmp_path: Path) -> None:
    run = shell(f"set -o pipefail; perfctl {' '.join(words)} | head -c1 | cat", home, tmp_path)
    assert (run.returncode, len(run.stdout), run.stderr) == (0, 1, "")


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_closed_stdout_is_one_error(words: tuple[str, ...], home: dict[str, str], tmp_path: Path) -> None:
    run = shell(f"perfctl {' '.join(words)} >&-", home, tmp_path)
    assert run.returncode == 9
    assert "cannot write to stdout: Bad file descriptor" in run.stderr.splitlines()[0]
    assert run.stderr.count("\n") <= 2


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_a_run_needs_neither_stdin_nor_stderr(closed: str, home: dict[str, str], tmp_path: Path) -> None:
    run = shell(f"perfctl frame wait 0 -o plain {closed}", home, tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "done   waited\ncount  1\n", "")


def test_an_error_with_nowhere_to_say_it_keeps_its_exit_code(home: dict[str, str], tmp_path: Path) -> None:
    for stderr in ("2>&-", "2> /dev/full"):
        assert shell(f"perfctl frame fail AuthError {stderr}", home, tmp_path).returncode == 4
    assert shell("perfctl frame fail AuthError >&- 2>&- <&-", home, tmp_path).returncode == 4


@pytest.mark.parametrize(
    "environ",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"LANG": "C"}, {"LC_ALL": "POSIX"}],
    ids=str,
)
@pytest.mark.parametrize("output", ["table", "plain", "json", "csv"])
def test_no_locale_makes_a_run_fail(output: str, environ: dict[str, str], home: dict[str, str], tmp_path: Path) -> None:
    bare = {name: value for name, value in home.items() if name not in ("LANG", "LC_ALL")}
    run = shell(f"perfctl frame hostile -o {output}; perfctl frame crash 東京", {**bare, **environ}, tmp_path)
    assert run.returncode == 70
    assert "Traceback" not in run.stderr
    assert run.stdout.count("\n") >= 1


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"FORCE_COLOR": "0"}, {}], ids=str)
def test_a_pipe_gets_not_one_escape_byte(environ: dict[str, str], home: dict[str, str], tmp_path: Path) -> None:
    run = shell(
        "perfctl frame doctor; perfctl frame rows 2 -o table; perfctl frame --help", {**home, **environ}, tmp_path
    )
    assert "\x1b" not in run.stdout + run.stderr
