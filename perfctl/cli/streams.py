"""Writing to the two streams so that a closed pipe, a full disk or a narrow encoding has one clear end."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TextIO

from perfctl.errors import PerfctlError, ServiceError

_GLYPHS = str.maketrans({"·": "-", "×": "x", "…": "...", "→": "->", "─": "-", "━": "-", "│": "|", "├": "+", "└": "`"})
"""What our own drawing uses, for a stream that cannot say it."""


def open_missing() -> None:
    """Give a run that was started with a closed stream (`>&-`) a stand-in, so that no socket takes its number."""
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - a write fails, as it should
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115 - lives as long as the process


def write_result(text: str, *, is_json: bool = False) -> int:
    """The text, whole, on stdout; 0, or the exit code of an error that was said. A reader who left is no error."""
    try:
        write(text, is_json=is_json)
    except PerfctlError as error:
        say(f"error: {error.message}\n  try:    {error.hint}\n")
        return error.exit_code
    return 0


def write(text: str, *, is_json: bool = False) -> None:
    """The text, whole, on stdout. ServiceError where it cannot be written; a reader who left is no error."""
    stream = sys.stdout
    try:
        stream.write(_sayable(text, stream, is_json=is_json))
        stream.flush()
    except BrokenPipeError:
        _discard(stream)
    except (OSError, ValueError) as error:
        _discard(stream)
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            return
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ServiceError(
            f"cannot write to stdout: {reason}", hint="look at the disk or pipe that it goes to"
        ) from error
    except BaseException:
        _discard(stream)  # a signal: what a reader did not take must not hold up the end
        raise


def say(text: str) -> None:
    """The text on stderr; a stderr that is full or closed changes nothing."""
    try:
        sys.stderr.write(_sayable(text, sys.stderr, is_json=False))
        sys.stderr.flush()
    except (OSError, ValueError, RuntimeError):  # the last: a signal's words in the middle of others
        _discard(sys.stderr)


def flush() -> None:
    """Empty both streams, for a process that is about to leave without the interpreter's end."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def can_say(text: str, stream: TextIO) -> bool:
    """Whether the stream's encoding has every character of the text."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _sayable(text: str, stream: TextIO, *, is_json: bool) -> str:
    if can_say(text, stream):
        return text
    if is_json:
        return "".join(letter if letter.isascii() else _json_escape(letter) for letter in text)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    plain = text if can_say("·│", stream) else text.translate(_GLYPHS)
    return plain.encode(encoding, "backslashreplace").decode(encoding)


def _json_escape(letter: str) -> str:
    """A character outside ASCII as JSON escapes it: a document has such characters in its strings only."""
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _discard(stream: TextIO) -> None:
    """Lead what is still buffered to nowhere, or the interpreter would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
