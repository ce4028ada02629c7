"""The one trace of a killed PostgreSQL that no folder holds: its System V shared memory segment."""

from __future__ import annotations

import contextlib
from pathlib import Path

_SEGMENTS = Path("/proc/sysvipc/shm")
_IPC_RMID = 0
_KEY_LINE = 7
"""Of postmaster.pid: the key and the identifier of the segment."""


def remove_segment(pid_file: Path) -> bool:
    """Remove the segment that a server which is gone noted in its postmaster.pid; whether there was one.

    Linux alone; elsewhere, and for a segment with another key, nothing is done.
    """
    noted = _noted(pid_file)
    if noted is None or noted not in _existing():
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.shmctl(noted[1], _IPC_RMID, None) == 0)


def _noted(pid_file: Path) -> tuple[int, int] | None:
    try:
        key, identifier = pid_file.read_text(encoding="utf-8").splitlines()[_KEY_LINE - 1].split()
        return int(key), int(identifier)
    except (OSError, ValueError, IndexError):
        return None


def _existing() -> set[tuple[int, int]]:
    with contextlib.suppress(OSError):
        rows = [line.split() for line in _SEGMENTS.read_text(encoding="ascii").splitlines()[1:]]
        return {(int(row[0]), int(row[1])) for row in rows if row[6] == "0"}
    return set()
