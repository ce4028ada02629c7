"""How far a long run is: one line on a terminal's stderr, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from perfctl.units import format_count

if TYPE_CHECKING:
    from perfctl.cli.run import Run

Progress = Callable[[int], None]
"""Told how many are done so far."""


@contextmanager
def progress_of(run: Run, what: str, total: int | None = None) -> Iterator[Progress | None]:
    """A line on a terminal's stderr that counts up and is wiped at the end; nothing anywhere else."""
    if not run.terminal.shows_progress:
        yield None
        return
    of_all = f" of {format_count(total)}" if total is not None else ""
    width = 0

    def tell(done: int) -> None:
        nonlocal width
        line = f"{what}: {format_count(done)}{of_all}"
        sys.stderr.write(f"\r{line.ljust(width)}")
        sys.stderr.flush()
        width = len(line)

    try:
        yield tell
    finally:
        sys.stderr.write(f"\r{' ' * width}\r")
        sys.stderr.flush()
