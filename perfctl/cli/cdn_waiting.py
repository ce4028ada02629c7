"""What `perfctl cdn` shows while an invalidation is under way, and the line that asks about it again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.run import Run
from perfctl.errors import TimedOutError

if TYPE_CHECKING:
    from perfctl.cdn.forgetting import Tell
    from perfctl.cdn.model.invalidations import Waiting

Wait = Annotated[bool, typer.Option("--wait", help="Return when it has completed.")]
WaitTimeout = Annotated[str, typer.Option("--wait-timeout", metavar="DURATION", help="The limit of --wait.")]


def in_context(run: Run, line: str | None) -> str | None:
    """A command line to try, for the context of this run."""
    context = run.options.context
    return line.replace("perfctl cdn", f"perfctl -c {context} cdn") if line and context else line


@contextmanager
def watched(run: Run) -> Iterator[Tell]:
    """Progress while it lasts; where it ends before its time, the line to ask again is one for this context."""
    import asyncio

    progress = _Progress(run)
    try:
        yield progress.tell
    except TimedOutError as error:
        error.hint = in_context(run, error.hint)
        raise
    except asyncio.CancelledError:
        progress.clear()
        if progress.ask_again:
            run.terminal.say(f"it was sent, and goes on: {in_context(run, progress.ask_again)}")
        raise
    finally:
        progress.clear()


class _Progress:
    """One line on a terminal's stderr that is written over, and cleared at the end without an escape byte."""

    def __init__(self, run: Run) -> None:
        self._shows = run.terminal.shows_progress
        self._width = 0
        self.ask_again: str | None = None
        """The command for whoever stops waiting."""

    def tell(self, waiting: Waiting) -> None:
        self.ask_again = waiting.ask_again
        what = "waiting for room" if waiting.for_room else f"{waiting.done} of {waiting.total} completed"
        self._write(f"invalidation: {what}, {waiting.waited_seconds:.0f} s")

    def clear(self) -> None:
        if self._width:
            self._write("")
            self._write("")

    def _write(self, line: str) -> None:
        if self._shows:
            sys.stderr.write("\r" + line.ljust(self._width))
            sys.stderr.flush()
            self._width = len(line)
