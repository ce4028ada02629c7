"""One run at a time: a lock on a file of this machine, that dies with the process."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator

from perfctl.cli.state import state_folder
from perfctl.errors import LockedError


@contextlib.contextmanager
def file_lock(name: str) -> Iterator[None]:
    """Hold the lock from here to there. LockedError (exit 8) at once when another run holds it.

    The kernel frees a flock when its process ends, however it ends; children do not inherit it.
    """
    file = state_folder("locks") / f"{_file_name(name)}.lock"
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise held(name) from error
        yield
    finally:
        os.close(descriptor)


def held(name: str) -> LockedError:
    """The error of a run that comes second."""
    return LockedError(
        f"another run holds the lock {name!r}",
        hint="run it again when the other has ended; runs with another --lock NAME do not wait for each other",
    )


def _file_name(name: str) -> str:
    """The name where it is a plain one, else what can be read of it with a digest, so that no two names meet."""
    if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", name):
        return name
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:60].strip("-")
    return f"{readable}@{hashlib.sha256(name.encode()).hexdigest()[:16]}"
