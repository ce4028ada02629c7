"""The pages of `--help`: plain, with a place to begin and an example on each."""

from __future__ import annotations

import re

import pytest

from perfctl.cli.command import load
from perfctl.cli.entries import ENTRIES, every_line
from perfctl.cli.options import OPTIONS
from perfctl.cli.pages import GLOBAL_LINE, START_HERE, root_page
from tests.cli.frame import invoke
from tests.conftest import Perfctl

COMMANDS = every_line()


def test_help_opens_with_five_commands_to_start_with(perfctl: Perfctl) -> None:
    lines = perfctl("--help").stdout.splitlines()
    assert lines[0] == "Start here:"
    opening = "\n".join(lines[: lines.index("")])
    assert [line for line, _ in START_HERE if line in opening] == [line for line, _ in START_HERE]
    assert len(START_HERE) == 5


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_quick_page_is_the_parsers_page(flag: str, perfctl: Perfctl) -> None:
    quick = perfctl(flag)
    parsed = perfctl("-q", flag)
    assert (quick.returncode, quick.stdout, quick.stderr) == (parsed.returncode, parsed.stdout, parsed.stderr)
    assert quick.stdout == root_page()


def test_the_quick_version_is_the_parsers_version(perfctl: Perfctl) -> None:
    quick, parsed = perfctl("--version"), perfctl("-q", "--version")
    assert quick.stdout == parsed.stdout == "perfctl 0.1.0\n"
    assert (quick.returncode, parsed.returncode) == (0, 0)


def test_the_root_page_has_every_command_and_every_global_option() -> None:
    page = root_page()
    for name, entry in ENTRIES.items():
        assert re.search(rf"^  {name} +{re.escape(entry.help)}$", page, re.MULTILINE)
        assert " | ".join(entry.commands) in " ".join(page.split())
    assert [flag for option in OPTIONS.values() for flag in option.flags if flag not in page] == []
    assert max(map(len, page.splitlines())) <= 80


def test_perfctl_alone_shows_the_page_and_is_no_error(perfctl: Perfctl) -> None:
    run = perfctl()
    assert (run.returncode, run.stdout, run.stderr) == (0, root_page(), "")


def test_a_group_alone_is_an_error_that_names_its_commands() -> None:
    outcome = invoke("frame")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: perfctl frame: a command is missing\n  try:    one of rows, hostile, ")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_a_page_with_its_example(words: tuple[str, ...]) -> None:
    outcome, example = invoke(*words, "--help"), load(words[0]).registered[" ".join(words[1:]) or words[0]].example
    assert (outcome.code, outcome.err) == (0, "")
    assert f"Example:\n  {example}\n\n{GLOBAL_LINE}\n" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= max(80, len(example) + 2)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_example_names_its_command_and_options_that_exist(words: tuple[str, ...]) -> None:
    line, example = f"perfctl {' '.join(words)}", load(words[0]).registered[" ".join(words[1:]) or words[0]].example
    assert line in example
    page = invoke(*words, "--help").out
    known = {flag for option in OPTIONS.values() for flag in option.flags}
    flags = re.findall(r"(?<!\S)--?[a-z][a-z-]*", example.partition(line)[2].partition("|")[0])
    assert [flag for flag in flags if flag not in known and flag not in page] == []


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if not entry.is_command])
def test_a_groups_page_lists_its_commands_with_whole_sentences(name: str) -> None:
    page = invoke(name, "-h").out
    commands = page.partition("Commands:\n")[2].partition("\n\n")[0]
    assert "..." not in commands
    assert max(map(len, commands.splitlines())) <= 80
    assert [command for command in ENTRIES[name].commands if f"\n  {command}" not in page] == []
