"""The door: the cheap answers first, then the parser, then an exit code.

Nothing heavy is imported here: `--version`, `--help` and completion are answered without the parser.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys

TYPE_CHECKING = False  # what type checkers read as true; typing itself would cost a third of a bare start
if TYPE_CHECKING:
    from typing import NoReturn

_ALLOCATIONS = 50_000
"""How many objects are made between two looks for garbage. A start makes 50,000 that stay: to look at them after
each 700 new ones, as Python does, is a tenth of its cost (measured)."""


def main() -> NoReturn:
    """Run the line that the process was started with, and end the process with an exit code of the contract."""
    gc.set_threshold(_ALLOCATIONS)
    try:
        _leave(_answered(sys.argv[1:]))
    except KeyboardInterrupt:
        _leave(130)
    except Exception as error:  # noqa: BLE001 - not even the report of a bug worked: a broken installation
        _leave(_last_resort(error))


def _answered(argv: list[str]) -> int:
    """The exit code of a line: the cheap answers here, the others by the parser."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from perfctl.cli.streams import open_missing

        open_missing()
    if "_PERFCTL_COMPLETE" in os.environ:
        from perfctl.cli.complete import complete

        return _say(complete(os.environ))
    if argv == ["--version"]:
        from perfctl.cli.version import version

        return _say(version())
    if not argv or argv in (["--help"], ["-h"]):
        from perfctl.cli.pages import root_page

        return _say(root_page())
    from perfctl.cli.process import run

    return run(argv)


def _last_resort(error: Exception) -> int:
    """The exit code of a bug that could not be reported, after one line without anybody's data."""
    try:  # noqa: SIM105 - contextlib would cost half of `--version`
        sys.stderr.write(f"error: a bug in perfctl, or a broken installation: {type(error).__name__}\n")
    except (OSError, ValueError):
        pass
    return 70


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
    """End the process now: a thread that still waits for a server is not waited for, and to take all modules apart,
    as Python does at its end, is an eighth of a short run (measured) for memory that the kernel frees anyway.
    """
    if "threading" not in sys.modules or sys.modules["threading"].active_count() == 1:
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - contextlib would cost half of `--version`
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(code)
