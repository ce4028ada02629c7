"""A lock between processes on one machine, which dies with the process that holds it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfctl.errors import LockedError


@contextmanager
def held(path: Path, *, what: str, seconds: float = 120.0, shared: bool = False) -> Iterator[None]:
    """Hold the lock, waiting for another holder; LockedError when that one takes longer than `seconds`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, what, seconds)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, kind: int, what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"{what}: another run has been at it for {seconds:g} s", hint="wait for it, or end it"
                ) from error
        time.sleep(0.02)
