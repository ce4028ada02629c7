"""The words that perfctl knows, and the door: the cheap answers first, then the parser, then an exit code.

Nothing heavy is imported here: `--version`, `--help` and completion are answered without the parser.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfctl.cli.command import CommandGroup


class Entry(NamedTuple):
    """A row of the table: the file that holds a group (or one command at the root), and its one line of help."""

    module: str
    """`cache` for perfctl/cli/cache.py; a name with dots is a module elsewhere."""
    help: str
    commands: tuple[str, ...] = ()
    """The group's commands, for help and completion without an import; none: the word is itself a command."""

    @property
    def is_command(self) -> bool:
        """Whether the word stands at the root by itself."""
        return not self.commands


ENTRIES: Mapping[str, Entry] = {
    "sandbox": Entry(
        "sandbox",
        "Real servers on this machine, to try everything on.",
        ("up", "status", "env", "logs", "reset", "down"),
    ),
    "health": Entry("health", "Is everything well, and what is the one thing to mend?"),
    "db": Entry("db", "Find slow queries and explain them.", ("slow", "analyze", "doctor")),
    "cache": Entry(
        "cache",
        "Look into, clear and warm the cache.",
        ("get", "set", "delete", "clear", "preload", "stats", "doctor"),
    ),
    "cdn": Entry("cdn", "Invalidate and check what the edge serves.", ("invalidate", "status", "headers", "doctor")),
    "metrics": Entry("metrics", "What is measured, now.", ("show",)),
    "config": Entry("config", "Write, check and explain the configuration.", ("init", "show", "validate", "schema")),
    "demo": Entry("demo", "The main jobs on real servers, each with the command that it runs."),
    "schema": Entry("schema", "The JSON Schema of a command's document."),
    "completion": Entry("completion", "Completion for bash, zsh and fish."),
}

START_HERE = (
    ("perfctl sandbox up", "real servers on this machine, with data to look at"),
    ("perfctl health", "is everything well, and what is the one thing to mend?"),
    ("perfctl db slow", "the queries that cost most"),
    ("perfctl cache stats", "hit ratio, memory and keys of each namespace"),
    ("perfctl cdn invalidate '/img/*' --wait", "make the edge fetch anew, and wait until it did"),
)
"""Where a newcomer begins: the first lines of `perfctl --help`."""


def every_line() -> list[tuple[str, ...]]:
    """The words of every command, without an import."""
    return [
        words
        for name, entry in ENTRIES.items()
        for words in ([(name,)] if entry.is_command else [(name, command) for command in entry.commands])
    ]


def load(name: str) -> CommandGroup:
    """The commands of one entry, imported now."""
    import importlib

    module = ENTRIES[name].module
    group: CommandGroup = importlib.import_module(module if "." in module else f"perfctl.cli.{module}").group
    return group


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; leaves with an exit code of the contract."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _leave(_answered(argv))
    except KeyboardInterrupt:
        _leave(130)


def _answered(argv: list[str]) -> int:
    """The exit code of a line: the cheap answers here, the others by the parser."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from perfctl.cli.streams import open_missing

        open_missing()
    if "_PERFCTL_COMPLETE" in os.environ:
        from perfctl.cli.complete import complete

        return _say(complete(os.environ))
    if argv == ["--version"]:
        return _say(version())
    if not argv or argv in (["--help"], ["-h"]):
        from perfctl.cli.pages import root_page

        return _say(root_page())
    from perfctl.cli.process import run

    return run(argv)


def version() -> str:
    """The line of `--version`; importlib.metadata would cost more than the rest of the answer."""
    from perfctl import __version__

    return f"perfctl {__version__}\n"


def _say(text: str) -> int:
    """The text on stdout, with nothing that could still fail at the interpreter's end."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError):
        from perfctl.cli.streams import write_result

        return write_result(text)
    return 0


def _leave(code: int) -> NoReturn:
    """End the process; a thread that still waits for a server is not waited for."""
    if "threading" in sys.modules and sys.modules["threading"].active_count() > 1:
        from perfctl.cli.streams import flush

        flush()
        os._exit(code)
    sys.exit(code)
