"""What the two streams are: a terminal or not, its width and colours; and what a command says on them."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple, cast

from perfctl.cli.chosen import GlobalOptions
from perfctl.cli.signals import INTERRUPTS
from perfctl.cli.streams import can_say, say, write
from perfctl.document.envelope import Output
from perfctl.render.inert import inert


class Terminal(NamedTuple):
    """How this run shows and says things."""

    output: Output
    colour: bool
    width: int
    quiet: bool
    can_ask: bool
    shows_progress: bool
    has_lines: bool = True
    """Whether stdout can say box-drawing characters."""

    @classmethod
    def of(cls, options: GlobalOptions) -> Terminal:
        """Decide from the options, the streams and the environment."""
        on_terminal = sys.stdout.isatty() and not options.cron
        output = options.output if options.output != "auto" else "table" if on_terminal else "plain"
        return cls(
            output=cast(Output, output),
            colour=_colour(options.color, on_terminal),
            width=_width(on_terminal),
            quiet=options.quiet or options.cron,
            can_ask=sys.stdin.isatty() and sys.stderr.isatty() and not options.no_input and not options.cron,
            shows_progress=sys.stderr.isatty() and not options.quiet and not options.cron and not _is_dumb(),
            has_lines=can_say("─│·", sys.stdout),
        )

    def write(self, text: str) -> None:
        """The result, whole, to stdout. ServiceError where it cannot be written."""
        with INTERRUPTS.undisturbed():
            write(text, is_json=self.output in ("json", "ndjson"))

    def write_piece(self, text: str) -> None:
        """A piece of a result that goes on, whole; what came to end the run meanwhile ends it here."""
        self.write(text)
        INTERRUPTS.heed()

    def say(self, text: str) -> None:
        """A line to stderr, unless the caller wants quiet."""
        if not self.quiet:
            say(inert(text) + "\n")


def _colour(wish: str, on_terminal: bool) -> bool:
    if wish != "auto":
        return wish == "always"
    if os.environ.get("NO_COLOR") or _is_dumb():
        return False
    forced = os.environ.get("FORCE_COLOR")
    return on_terminal if forced is None else forced not in ("", "0")


def _is_dumb() -> bool:
    return os.environ.get("TERM") == "dumb"


def _width(on_terminal: bool) -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and 0 < len(columns) < 5 and int(columns) > 0:
        return max(int(columns), 20)
    if not on_terminal:
        return 80
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80
