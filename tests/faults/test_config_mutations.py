"""Mutated configuration files: an exit code of the contract, a place for each fault, no traceback, no hang."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from perfctl.cli.process import run
from tests.conftest import Perfctl

SEEDS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
SOAK = os.environ.get("PERFCTL_SOAK") == "1"
FILES = 2_000 if SOAK else 150
THROUGH_A_PROCESS = 60 if SOAK else 6
NASTY = (
    b"no",
    b"10:30",
    b"017",
    b"1.10",
    b"~",
    b"!!python/object/apply:os.system [x]",
    b"!x",
    b"*a",
    b"&a [*a]",
    b"{<<: *a}",
    b"'",
    b'"',
    b"|",
    b">-\n",
    b"[",
    b"}",
    b"? ",
    b"---\n",
    b"...\n",
    b"%YAML 9.9\n",
    b"\t",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\r",
    b"\xe2\x80\xa8",
    b"\x1b[2J",
    b"1e999",
    b"-0",
    b"0x1F",
    b"9" * 400,
    b"\xef\xbb\xbf",
    b"{env: }",
    b"{file: /dev/zero}",
    b"{command: []}",
    b"redis://:canary@[::1",
    b"postgresql://u:canary@h:x/y?sslmode=%zz",
    b"{rds_iam: false}",
    b"extends",
    b"contexts",
    b"protected",
)
Mutation = Callable[[random.Random, bytes], bytes]


def _replace_value(chance: random.Random, text: bytes) -> bytes:
    values = list(re.finditer(rb"(?<=: )[^\s,}#][^,}#\n]*", text))
    value = chance.choice(values)
    return text[: value.start()] + chance.choice(NASTY) + text[value.end() :]


def _replace_key(chance: random.Random, text: bytes) -> bytes:
    key = chance.choice(list(re.finditer(rb"\w+(?=:)", text)))
    wrong = bytes(chance.sample(key.group(), len(key.group()))) if chance.random() < 0.7 else chance.choice(NASTY)
    return text[: key.start()] + wrong + text[key.end() :]


def _insert(chance: random.Random, text: bytes) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(NASTY) + text[at:]


def _delete(chance: random.Random, text: bytes) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.randrange(40) :]


def _flip(chance: random.Random, text: bytes) -> bytes:
    at = chance.randrange(max(len(text), 1))
    return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]


def _lines(chance: random.Random, text: bytes) -> bytes:
    lines = text.splitlines(keepends=True) or [b""]
    line = chance.choice(lines)
    lines.insert(
        chance.randrange(len(lines)), b" " * chance.randrange(6) + line.lstrip() if chance.random() < 0.5 else line
    )
    return b"".join(lines)


def _nest(chance: random.Random, text: bytes) -> bytes:
    return _insert(chance, text) + b"\nx: " + chance.choice((b"[", b"{a: ")) * chance.randrange(3_000)


MUTATIONS: tuple[Mutation, ...] = (_replace_value, _replace_value, _replace_key, _insert, _delete, _flip, _lines, _nest)


def mutated(seed: int) -> bytes:
    """The file of a seed: an example, mutated one to four times."""
    chance = random.Random(seed)
    text = chance.choice(SEEDS).read_bytes()
    for _ in range(chance.randint(1, 4)):
        try:
            text = chance.choice(MUTATIONS)(chance, text)
        except IndexError:
            text = _insert(chance, text)
    return text


def judge(path: Path, code: int, stdout: str, stderr: str) -> None:
    """What holds for every file, whatever stands in it."""
    assert code in (0, 3), stderr
    assert "Traceback" not in stderr
    assert "canary" not in stdout + stderr
    assert "\x1b" not in stdout + stderr
    if code == 0:
        return
    assert stdout == ""
    assert re.search(rf"{re.escape(str(path))}(:\d+:\d+)?: ", stderr), stderr
    listed = [line for line in stderr.splitlines() if line.startswith(f"  {path}")]
    assert all(re.match(rf"  {re.escape(str(path))}(:\d+:\d+)?: \S", line) for line in listed), stderr


@pytest.mark.parametrize("block", range(10))
def test_every_mutated_file_ends_in_the_table(
    block: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mutated.yaml"
    codes = set()
    for seed in range(block * FILES // 10, (block + 1) * FILES // 10):
        path.write_bytes(mutated(seed))
        code = run(["config", "validate", str(path)])
        output = capsys.readouterr()
        judge(path, code, output.out, output.err)
        codes.add(code)
    assert 3 in codes


@pytest.mark.parametrize("seed", range(THROUGH_A_PROCESS))
def test_a_mutated_file_is_refused_alike_by_every_command(seed: int, perfctl: Perfctl, tmp_path: Path) -> None:
    path = tmp_path / "mutated.yaml"
    path.write_bytes(mutated(seed))
    for words in (["config", "validate", str(path)], ["config", "show", "--config", str(path)]):
        ended = perfctl(*words)
        judge(path, ended.returncode, ended.stdout if ended.returncode == 3 else "", ended.stderr)
