"""A file that a command draws into: whole, or as it was."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from perfctl.errors import ServiceError, UsageError


def destination(name: str | None, flag: str) -> Path | None:
    """The file to draw to; None where none is wanted. UsageError, before any work is done, where there can be none."""
    if name is None:
        return None
    path = Path(name)
    if name in ("", "-") or path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(
            f"{flag}: cannot write {name!r}", hint="name a file in a folder that you may write", where=flag
        )
    return path


def draw_into(path: Path, text: str, flag: str) -> None:
    """Write the whole text, or leave the file as it was and raise ServiceError."""
    target = path.resolve()
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                os.fchmod(stream.fileno(), 0o666 & ~_umask())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ServiceError(f"{flag}: cannot write {path}: {error.strerror}", where=flag) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
