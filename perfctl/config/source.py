"""Reading a configuration file without trusting it: a size limit, a regular file, UTF-8."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from perfctl.config.fault import Fault, Mark

SIZE_LIMIT = 256 * 1024


def read_text(path: Path) -> str | Fault:
    """The text of a file, or the fault that keeps it from being read. Never blocks on a pipe or a device."""
    try:
        content = _content(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Fault(str(path), f"cannot be read: {reason}", "check the path and its rights")
    if content is None:
        return Fault(str(path), "is not a regular file", "name a YAML file")
    return _decoded(path, content)


def _content(path: Path) -> bytes | None:
    """The first bytes of a regular file, one more than may be; None of anything else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            return stream.read(SIZE_LIMIT + 1)
    finally:
        os.close(descriptor)


def _decoded(path: Path, content: bytes) -> str | Fault:
    if len(content) > SIZE_LIMIT:
        return Fault(str(path), f"is larger than {SIZE_LIMIT // 1024} KiB", "a configuration is smaller than that")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        return Fault(str(Mark(str(path), line, column)), "is not UTF-8", "save the file as UTF-8")
