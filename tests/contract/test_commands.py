"""Every command: an answer with a schema, an example, a file with a row."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

import perfctl.cli
from perfctl.cli import entries
from perfctl.cli.command import load
from perfctl.cli.entries import ENTRIES, every_line
from perfctl.cli.process import run
from perfctl.cli.schema import every_command

LINES = every_line()


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_command_has_a_valid_schema_under_its_words(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schema", *words]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"perfctl.{'.'.join(words)}/1"
    assert schema["properties"]["schema"] == {"const": schema["$id"]}
    assert set(schema["required"]) == {"schema", "data", "meta", "warnings"}


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_commands_result_is_a_frozen_dataclass(words: tuple[str, ...]) -> None:
    result = load(words[0]).registered[" ".join(words[1:]) or words[0]].result
    kinds = [kind for kind in (getattr(result, "__args__", None) or (result,)) if kind is not type(None)]
    assert [kind for kind in kinds if not (dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen)] == []


def test_the_list_of_schemas_has_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "-o", "json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["commands"] == [" ".join(command.words) for command in every_command()]
    assert sorted(data["commands"]) == sorted(" ".join(words) for words in LINES)


def test_every_file_with_a_group_has_a_row() -> None:
    """A new group is one file and one row in ENTRIES of perfctl/cli/entries.py."""
    folder = Path(perfctl.cli.__file__).parent
    groups = {file.stem for file in folder.glob("*.py") if "\ngroup = CommandGroup(" in file.read_text()}
    assert groups == {entry.module for entry in entries.ENTRIES.values() if "." not in entry.module}
    assert groups >= {entry.module for entry in ENTRIES.values() if "." not in entry.module}
