"""`perfctl schema cache stats`: the JSON Schema of the document that a command prints."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar

import typer

from perfctl.cli.command import CommandGroup, load
from perfctl.cli.entries import ENTRIES
from perfctl.cli.registered import Registered
from perfctl.cli.run import Run
from perfctl.errors import UsageError

group = CommandGroup()


@dataclass(frozen=True, slots=True)
class SchemaListing:
    """Every command that prints a document."""

    listing: ClassVar[str] = "commands"

    commands: tuple[str, ...]


@group.command("schema", example="perfctl schema cache stats")
def schema(
    run: Run, words: Annotated[list[str] | None, typer.Argument(help="The command's words, as typed.")] = None
) -> SchemaListing | None:
    """Print the JSON Schema of a command's document, or list the commands that have one."""
    from perfctl.document.envelope import dumps
    from perfctl.document.schema import document_schema

    if not words:
        return SchemaListing(tuple(" ".join(command.words) for command in every_command()))
    found = _find(tuple(words))
    run.terminal.write(dumps(document_schema(found.words, _document_type(found.result)), indent=2) + "\n")
    return None


def every_command() -> list[Registered]:
    """All commands of all groups, in the order of the help."""
    return [command for name in ENTRIES for command in load(name).registered.values()]


def _find(words: tuple[str, ...]) -> Registered:
    known = {command.words: command for command in every_command()}
    if words in known:
        return known[words]
    near = get_close_matches(" ".join(words), [" ".join(known_words) for known_words in known], n=1)
    raise UsageError(
        f"no command {' '.join(words)!r}",
        hint=f"did you mean {near[0]!r}?" if near else "perfctl schema lists the commands",
    )


def _document_type(result: Any) -> Any:
    """The dataclass of `Result` or of `Result | None`."""
    arguments = [kind for kind in getattr(result, "__args__", ()) if kind is not type(None)]
    return arguments[0] if arguments else result
