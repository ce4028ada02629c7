"""What a command is given to read, from a file or stdin: never more of it than the command can use."""

from __future__ import annotations

import sys
from pathlib import Path

from perfctl.errors import UsageError
from perfctl.units import format_bytes


def taken(source: str, *, at_most: int, wanted: str, where: str | None = None) -> bytes:
    """The bytes of a file, or of stdin for `-`.

    UsageError where it cannot be read, and where it holds more than `at_most` bytes; `wanted` says what to give.
    """
    name = "stdin" if source == "-" else source or "the file's name"
    try:
        content = _read(source, at_most + 1)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}", hint=wanted, where=where) from error
    if len(content) > at_most:
        raise UsageError(f"{name}: it is longer than {format_bytes(at_most)}", hint=wanted, where=where)
    return content


def _read(source: str, size: int) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read(size)
    if not source:
        raise OSError(0, "it is empty")
    with Path(source).open("rb") as file:
        return file.read(size)
