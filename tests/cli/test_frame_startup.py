"""What a start imports: nothing heavy, whatever page is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from perfctl.cli.command import load
from perfctl.cli.entries import ENTRIES
from perfctl.cli.version import version
from tests.cli.frame import ROOT

HEAVY = (
    "redis",
    "asyncpg",
    "boto3",
    "botocore",
    "sklearn",
    "numpy",
    "starlette",
    "pydantic",
    "sqlglot",
    "rich",
    "psutil",
)

GROUPS = [name for name, entry in ENTRIES.items() if not entry.is_command]

_PROBE = """
import atexit, json, sys
from perfctl.cli.app import main
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
main()
"""


def loaded(*words: str, **environ: str) -> tuple[int, set[str]]:
    """The exit code of a line, and the top-level modules that it imported."""
    run = subprocess.run(
        [sys.executable, "-c", _PROBE, *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    modules = json.loads(run.stderr.splitlines()[-1])
    return run.returncode, {module.partition(".")[0] for module in modules}


LINES = [
    ("--version",),
    ("--help",),
    (),
    ("-q", "--help"),
    ("completion", "bash"),
    ("completion", "--help"),
    ("schema", "--help"),
    *((group, "--help") for group in GROUPS),
]


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_page_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    code, modules = loaded(*words)
    assert (code, modules.intersection(HEAVY)) == (0, set())


@pytest.mark.parametrize("words", ["perfctl\nca", "perfctl\ndb\ns", "perfctl\ndb\nslow\n--", "perfctl\n-c\n"])
def test_a_tab_loads_nothing_heavy(words: str) -> None:
    code, modules = loaded(_PERFCTL_COMPLETE="bash", COMP_WORDS=words, COMP_CWORD=str(words.count("\n")))
    assert (code, modules.intersection(HEAVY)) == (0, set())


@pytest.mark.parametrize("words", [("--version",), ("--help",)])
def test_the_cheap_answers_do_not_load_the_parser(words: tuple[str, ...]) -> None:
    _, modules = loaded(*words)
    assert modules.isdisjoint({"typer", "inspect", "dataclasses", "asyncio", "logging"})


def test_checking_a_file_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "perfctl.yaml"
    file.write_text("version: 1\n")
    code, modules = loaded("config", "validate", str(file))
    assert (code, modules.intersection({"asyncio", "hashlib", "random", "tempfile", "decimal", "csv"})) == (0, set())


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_says_what_its_file_says(name: str) -> None:
    """A renamed file, a forgotten command or another help text is found here and not by a user."""
    entry, group = ENTRIES[name], load(name)
    if entry.is_command:
        assert name in group.registered
    else:
        assert (group.name, group.help, tuple(group.registered)) == (name, entry.help, entry.commands)


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(ROOT) / "pyproject.toml").read_text())
    assert version() == f"perfctl {project['project']['version']}\n"
