"""The root of the command line: which file holds which words, and how an error leaves."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand

from perfctl.cli.command import CommandGroup, Group
from perfctl.errors import PerfctlError, UsageError


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table: the file that holds a group (or one command at the root), and its one line of help."""

    module: str
    help: str
    is_command: bool = False


ENTRIES: Mapping[str, Entry] = {
    "cache": Entry("cache", "Look into, clear and warm the cache."),
    "cdn": Entry("cdn", "Invalidate and check what the edge serves."),
    "db": Entry("db", "Find slow queries and explain them."),
    "metrics": Entry("metrics", "What is measured, now."),
    "health": Entry("health", "Is everything well, and what is the one thing to mend?", is_command=True),
    "sandbox": Entry("sandbox", "Real servers on this machine, to try everything on."),
    "config": Entry("config", "Write, check and explain the configuration."),
    "schema": Entry("schema", "The JSON Schema of a command's document.", is_command=True),
    "completion": Entry("completion", "Completion for bash, zsh and fish.", is_command=True),
}


def load(name: str) -> CommandGroup:
    """The commands of one entry, imported now."""
    module = importlib.import_module(f"perfctl.cli.{ENTRIES[name].module}")
    group: CommandGroup = module.group
    return group


class RootGroup(Group):
    """Imports a group's file when its word is used, and not before."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(ENTRIES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = ENTRIES.get(cmd_name)
        if entry is None:
            return None
        if ctx.resilient_parsing or ctx.meta.get("perfctl.help"):
            return TyperCommand(cmd_name, help=entry.help, rich_markup_mode=None)
        group = load(cmd_name)
        return group.click_command(cmd_name) if entry.is_command else group.click_group()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in ENTRIES.items()])


root = typer.Typer(name="perfctl", cls=RootGroup, add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@root.callback()
def perfctl(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    """Operations for a PostgreSQL + Redis + CloudFront stack."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; leaves with an exit code of the contract."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(argv))


def _run(argv: list[str]) -> int:
    from perfctl.cli.failure import report

    try:
        command = typer.main.get_command(root)
        return command.main(argv, prog_name="perfctl", standalone_mode=False) or 0
    except PerfctlError as error:
        return report(error, as_json="json" in argv)
    except typer.Exit as leave:
        return leave.exit_code
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return report(UsageError(error.format_message()), as_json="json" in argv)
