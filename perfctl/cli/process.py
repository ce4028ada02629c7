"""One command line, from its words to an exit code of the contract; nothing else leaves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from perfctl.cli.failure import report
from perfctl.cli.signals import INTERRUPTS, Stopped
from perfctl.errors import PerfctlError, RefusedError


def run(argv: Sequence[str]) -> int:
    """Run the line and say what went wrong; never raises, not even when a signal comes."""
    with INTERRUPTS.watched(partial(_leave, argv)):
        try:
            return _reported(argv)
        except Stopped as stopped:
            with INTERRUPTS.last_words():
                error = INTERRUPTS.error(stopped)
                error.__cause__ = stopped
                return report(error, argv)


def _leave(argv: Sequence[str], error: PerfctlError) -> None:
    """End the process where the run does not end by itself."""
    with INTERRUPTS.last_words():
        os._exit(report(error, argv))


def _reported(argv: Sequence[str]) -> int:
    try:
        return _parsed(argv)
    except Exception as error:
        if INTERRUPTS.received is not None:  # what a signal broke is no error of its own
            raise Stopped(INTERRUPTS.received) from error
        if isinstance(error, PerfctlError):
            return report(error, argv)
        from perfctl.cli.crash import bug

        return report(bug(error, argv), argv)


def _parsed(argv: Sequence[str]) -> int:
    import typer
    from typer._click.exceptions import ClickException

    from perfctl.cli.root import command_line
    from perfctl.cli.usage import refuse_unusable, usage_error

    refuse_unusable(argv)
    root = command_line()
    try:
        with root.make_context("perfctl", list(argv)) as ctx:
            root.invoke(ctx)
    except typer.Exit as leave:
        return leave.exit_code
    except typer.Abort as error:
        raise RefusedError("not confirmed: the input ended", hint="nothing was done") from error
    except ClickException as error:
        raise usage_error(error) from error
    return 0
