"""A bug in perfctl: three lines, and a file with what a maintainer needs, secrets left out."""

from __future__ import annotations

import contextlib
import os
import platform
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from perfctl.cli.failure import safe
from perfctl.cli.state import state_folder
from perfctl.cli.version import version
from perfctl.errors import ConfigError, PerfctlError

KEPT = 20
"""How many crash files are kept; the oldest ones go first."""


class BugError(PerfctlError):
    """An error that perfctl did not expect."""


def bug(error: Exception, argv: Sequence[str]) -> BugError:
    """The error to report for a bug: it names the crash file, or says why there is none."""
    try:
        file = _write(error, argv)
        where, hint = str(file), "report it with that file; --debug shows it here"
    except (ConfigError, OSError) as unwritten:
        where, hint = f"no crash file: {unwritten}", "run it again with --debug, and report what it shows"
    found = BugError(f"a bug in perfctl: {type(error).__name__}: {_first_line(error)}", where=where, hint=hint)
    found.__cause__ = error
    return found


def _write(error: Exception, argv: Sequence[str]) -> Path:
    folder = state_folder("crashes")
    file = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    text = "".join(traceback.format_exception(error))
    head = f"{version()}python {platform.python_version()} on {platform.system()}\n"
    content = safe(f"{head}perfctl {' '.join(_without_values(argv))}\n\n{text}")
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
        target.write(content)
    for old in sorted(folder.glob("*.txt"))[:-KEPT]:
        with contextlib.suppress(OSError):
            old.unlink()
    return file


def _without_values(argv: Sequence[str]) -> list[str]:
    """The words and flags of a line; what was given to them may be anybody's data."""
    return [word.partition("=")[0] if word.startswith("-") else word if word.isidentifier() else "..." for word in argv]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no message"
