"""The root of the parser: imports a group's file when its word is used, and not before."""

from __future__ import annotations

from typing import Any

import typer
import typer.main

from perfctl.cli.command import Group, load
from perfctl.cli.entries import ENTRIES
from perfctl.cli.version import version


class RootGroup(Group):
    """Knows its words from the table of `perfctl.cli.entries`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(ENTRIES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = ENTRIES.get(cmd_name)
        if entry is None:
            return None
        group = load(cmd_name)
        return group.click_command(cmd_name) if entry.is_command else group.click_group()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from perfctl.cli.pages import root_page

        formatter.write(root_page())


def command_line() -> Any:
    """The whole command line as Typer's parser knows it."""
    root = typer.Typer(name="perfctl", cls=RootGroup, add_completion=False, rich_markup_mode=None)
    root.callback()(_perfctl)
    return typer.main.get_command(root)


def _show_version(wanted: bool) -> None:
    if wanted:
        from perfctl.cli.streams import write_result

        raise typer.Exit(write_result(version()))


def _perfctl(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True, callback=_show_version),
) -> None:
    """Operations for a PostgreSQL + Redis + CloudFront stack."""
