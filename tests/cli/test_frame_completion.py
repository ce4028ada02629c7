"""Completion: what the next word may be, and the scripts in the shells that are here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from perfctl.cli.candidates import RANKINGS, SANDBOX_PARTS, SLOW_ORDERS
from perfctl.cli.complete import SHELLS, complete
from perfctl.cli.completion import SCRIPTS
from perfctl.cli.entries import ENTRIES
from tests.cli.frame import ROOT, invoke


def completed(*words: str, shell: str = "bash") -> list[str]:
    """What a TAB after these words offers; the last one is what was begun."""
    line = ["perfctl", *words]
    environ = {"_PERFCTL_COMPLETE": shell, "COMP_WORDS": "\n".join(line), "COMP_CWORD": str(len(line) - 1)}
    return complete(environ).splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("",), list(ENTRIES)),
        (("ca",), ["cache"]),
        (("cache", "st"), ["stats"]),
        (("-c", "prod", "-q", "cache", "st"), ["stats"]),
        (("db", ""), list(dict.fromkeys(command.partition(" ")[0] for command in ENTRIES["db"].commands))),
        (("db", "plan", ""), []),
        (("db", "plan", "d"), ["diff"]),
        (("db", "plan", "diff", "--sv"), []),
        (("db", "plan", "--sv"), ["--svg"]),
        (("schema", "cache", "cl"), ["clear"]),
        (("completion", ""), list(SHELLS)),
        (("db", "slow", "--by", "m"), ["mean"]),
        (("cache", "top", "--by", "n"), ["no-ttl"]),
        (("cache", "dict", ""), ["train", "list"]),
        (("cache", "dict", "train", "--dry"), ["--dry-run"]),
        (("db", "slow", "--by", "=", "c"), ["calls"]),
        (("db", "slow", "--by", "mean", ""), []),
        (("cache", "simulate", "t.u32", "--policy", "d"), ["default"]),
        (("cache", "simulate", "t.u32", "--policy", "s"), ["sieve", "s3fifo"]),
        (("cache", "simulate", "--sv"), ["--svg"]),
        (("sandbox", "up", "--with", ""), list(SANDBOX_PARTS)),
        (("sandbox", "up", "--with", "cluster,"), ["cluster,sentinel", "cluster,replica"]),
        (("cache", "stats", "-o", "j"), ["json"]),
        (("cache", "stats", "--output", "=", "j"), ["json"]),
        (("--color", ""), ["auto", "always", "never"]),
        (("cache", "stats", "--lim"), ["--limit"]),
        (("cache", "clear", "--max-a"), ["--max-affected"]),
        (("--vers",), ["--version"]),
        (("cache", "stats", "--vers"), []),
        (("cache", "get", "a-key", ""), []),
        (("cache", "--", "st"), []),
        (("nonsense", ""), []),
        (("nonsense", "--lim"), ["--limit"]),
    ],
    ids=str,
)
def test_a_tab_offers_what_may_stand_there(words: tuple[str, ...], expected: list[str]) -> None:
    assert completed(*words) == expected


def test_the_known_values_are_those_that_the_commands_take() -> None:
    from perfctl.cache.operating.top import RANKINGS as CACHE_RANKINGS
    from perfctl.cli.cache_look import Ranking
    from perfctl.db.model.statements import SlowOrder
    from perfctl.sandbox.parts import OPTIONAL

    assert get_args(SlowOrder) == SLOW_ORDERS
    assert CACHE_RANKINGS == RANKINGS == tuple(ranking.value for ranking in Ranking)
    assert SANDBOX_PARTS == OPTIONAL


def test_sandboxes_and_their_servers_are_completed_from_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path))
    for name, server in (("sandbox", "valkey"), ("big", "cluster-1")):
        (tmp_path / "sandbox" / name / "logs").mkdir(parents=True)
        (tmp_path / "sandbox" / name / "state.json").touch()
        (tmp_path / "sandbox" / name / "logs" / f"{server}.log").touch()
    assert completed("sandbox", "down", "--name", "") == ["big", "sandbox"]
    assert completed("sandbox", "logs", "") == ["valkey"]
    assert completed("sandbox", "logs", "--name", "big", "") == ["cluster-1"]
    assert completed("sandbox", "logs", "--name", "../big", "") == ["valkey"]


def test_zsh_and_fish_are_told_what_a_word_means() -> None:
    assert completed("heal", shell="zsh") == [f"health\t{ENTRIES['health'].help}"]
    assert completed("heal", shell="fish") == [f"health\t{ENTRIES['health'].help}"]


def test_a_context_is_completed_from_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "config" / "perfctl"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("contexts:\n  production: {}\n  staging: {}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    assert completed("cache", "-c", "") == ["production", "staging"]
    (folder / "config.yaml").write_text("contexts: [")
    assert completed("cache", "-c", "") == []


def test_a_namespace_with_settings_of_its_own_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "config" / "perfctl"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("cache:\n  namespaces:\n    - {name: api, ttl_seconds: 60}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    assert completed("cache", "get", "k", "-n", "") == completed("cache", "clear", "") == ["api", "default"]
    (folder / "config.yaml").write_text("cache: [")
    assert completed("cache", "get", "k", "-n", "") == ["default"]


@pytest.mark.parametrize("position", ["", "x", "-1", "99", "9" * 500])
def test_a_broken_request_offers_something_or_nothing(position: str) -> None:
    complete({"_PERFCTL_COMPLETE": "bash", "COMP_WORDS": "perfctl\nca", "COMP_CWORD": position})
    complete({"_PERFCTL_COMPLETE": "bash"})


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_for_each_shell(shell: str) -> None:
    assert invoke("completion", shell) == (0, SCRIPTS[shell], "")


def test_another_shell_is_an_error_with_the_nearest() -> None:
    assert invoke("completion", "bahs").err.splitlines()[-1] == "  try:    did you mean bash?"


@pytest.fixture
def on_path(tmp_path: Path) -> str:
    """A folder with a `perfctl` that is this one."""
    file = tmp_path / "bin" / "perfctl"
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m perfctl "$@"\n')
    file.chmod(0o755)
    return str(file.parent)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (("perfctl", "ca"), ["cache"]),
        (("perfctl", "cache", "st"), ["stats"]),
        (("perfctl", "cache", "stats", "--output", "=", "js"), ["json"]),
        (("perfctl", "db", "slow", "--lim"), ["--limit"]),
        (("perfctl", "cache", "get", "x y", ""), []),
    ],
    ids=str,
)
def test_bash_completes_with_the_script(
    line: tuple[str, ...], expected: list[str], on_path: str, home: dict[str, str]
) -> None:
    words = " ".join(f"'{word}'" for word in line)
    script = (
        f"source <(perfctl completion bash)\nCOMP_WORDS=({words}) COMP_CWORD={len(line) - 1}\n"
        '_perfctl perfctl\nprintf "%s\\n" "${COMPREPLY[@]}"\ncomplete -p perfctl\n'
    )
    env = {**home, "PATH": f"{on_path}:{home['PATH']}"}
    run = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True)
    *offered, registered = run.stdout.splitlines()
    assert [word for word in offered if word] == expected
    assert (registered, run.stderr) == ("complete -o default -F _perfctl perfctl", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_can_read_their_script(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(SCRIPTS[shell])
    subprocess.run([shell, "-n", str(file)], check=True, timeout=30)
