"""One command line, from its words to an exit code of the contract; nothing else leaves."""

from __future__ import annotations

from collections.abc import Sequence

from perfctl.cli.failure import report
from perfctl.cli.signals import INTERRUPTS, Stopped
from perfctl.errors import PerfctlError, RefusedError


def run(argv: Sequence[str]) -> int:
    """Run the line and say what went wrong; never raises, not even when a signal comes."""
    with INTERRUPTS.watched():
        try:
            return _reported(argv)
        except Stopped as stopped:
            error = INTERRUPTS.error(stopped)
            error.__cause__ = stopped
            return report(error, argv)


def _reported(argv: Sequence[str]) -> int:
    try:
        return _parsed(argv)
    except PerfctlError as error:
        return report(error, argv)
    except Exception as error:  # noqa: BLE001 - the one place where a bug ends
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
