"""The pages of `--help`, in plain text; the root's page without the parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.cli.entries import ENTRIES
from perfctl.cli.options import option_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH = 80

GLOBAL_LINE = "Global options (-c, -o, --limit, --timeout, -y, -q ...): see perfctl --help."


START_HERE = (
    ("perfctl sandbox up", "real servers on this machine, with data to look at"),
    ("perfctl health", "is everything well, and what is the one thing to mend?"),
    ("perfctl db slow", "the queries that cost most"),
    ("perfctl cache stats", "hit ratio, memory and keys of each namespace"),
    ("perfctl cdn invalidate '/img/*' --wait", "make the edge fetch anew, and wait until it did"),
)
"""Where a newcomer begins: the first lines of `perfctl --help`."""


def root_page() -> str:
    """Where to begin, the commands by group, the options that stand anywhere on a line, the exit codes."""
    return "\n".join(
        [
            *_section("Start here:", START_HERE),
            "",
            "Usage: perfctl [OPTIONS] COMMAND ...",
            "",
            "  Operations for a PostgreSQL + Redis + CloudFront stack.",
            "",
            *_commands(),
            "",
            *_section("Global options, before or after the command:", (*option_rows(), *_PAGE_OPTIONS)),
            "",
            *_section("Exit codes:", _EXIT_CODES),
            "",
            "perfctl COMMAND --help has an example for each command.",
            "",
        ]
    )


def definitions(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Terms and what they mean, in two columns; a long term has a line of its own."""
    column = max((len(term) for term, _ in rows if len(term) <= 30), default=0) + 2
    lines = []
    for term, meaning in rows:
        first, *rest = list(wrapped(meaning, WIDTH - 2 - column)) or [""]
        if len(term) + 2 > column:
            lines += [f"  {term}", f"  {'':{column}}{first}"]
        else:
            lines.append(f"  {term:{column}}{first}".rstrip())
        lines += [f"  {'':{column}}{line}" for line in rest]
    return lines


def wrapped(text: str, width: int) -> Iterator[str]:
    """The text in lines of at most `width`; textwrap would cost the start more than the rest of the page."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield line


_PAGE_OPTIONS = (("-h, --help", "This page, or a command's."), ("--version", "The version."))

_EXIT_CODES = (
    ("0", "done, also: nothing to do"),
    ("1", 'the answer is "no"'),
    ("2", "usage, or a missing extra"),
    ("3", "configuration or secret invalid"),
    ("4", "authentication or permission"),
    ("5", "unreachable, timed out"),
    ("6", "partly done"),
    ("7", "refused: not confirmed, protected, over a limit"),
    ("8", "another run holds the lock"),
    ("9", "the service refused"),
    ("70", "a bug in perfctl"),
    ("130, 143", "interrupted, terminated"),
)


def _section(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    return [title, *definitions(rows)]


def _commands() -> list[str]:
    groups = [(name, entry) for name, entry in ENTRIES.items() if not entry.is_command]
    alone = [(name, entry) for name, entry in ENTRIES.items() if entry.is_command]
    lines = ["Commands:"]
    for name, entry in groups:
        lines.append(f"  {name:10}  {entry.help}")
        lines += [f"  {'':10}  {line}" for line in wrapped(" | ".join(entry.commands), WIDTH - 14)]
    return [*lines, *(f"  {name:10}  {entry.help}" for name, entry in alone)]
