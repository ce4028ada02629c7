"""Alerts into a file, a JSON line a change, in the order in which they came."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from perfctl.errors import UnreachableError
from perfctl.metrics.alerts.model import Notice

_LOOKED_BACK_BYTES = 64 * 1024


class FileSink:
    """Appends a line for each change, whole and on the disk, and not twice: whoever was killed in between is
    found at the end of the file. Lines of several processes do not mix."""

    name: ClassVar[str] = "file"
    renews = False

    def __init__(self, path: Path) -> None:
        self.path = path

    def tell(self, notice: Notice) -> None:
        """Append it. UnreachableError where the file cannot be written."""
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o640)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _append(descriptor, notice)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise UnreachableError(
                f"alerts cannot be written to {self.path}: {error.strerror}",
                hint="set metrics.alert_file to a file that you may write",
                where="metrics.alert_file",
            ) from error

    def renew(self, notices: Sequence[Notice], until: float) -> None:
        """A file forgets nothing."""


def _append(descriptor: int, notice: Notice) -> None:
    size = os.fstat(descriptor).st_size
    last = os.pread(descriptor, _LOOKED_BACK_BYTES, max(0, size - _LOOKED_BACK_BYTES))
    if f'"id": "{notice.id}"'.encode() in last:
        return
    start = b"" if not last or last.endswith(b"\n") else b"\n"
    line = start + json.dumps(_fields(notice), ensure_ascii=False).encode() + b"\n"
    written = os.write(descriptor, line)
    while written < len(line):
        written += os.write(descriptor, line[written:])
    os.fsync(descriptor)


def _fields(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "status": notice.status,
        "name": notice.name,
        "severity": notice.severity,
        "context": notice.context,
        "budget": notice.budget,
        "observed": notice.observed,
        "limit": notice.limit,
        "unit": notice.unit,
        "reason": notice.reason,
        "starts_at": _moment(notice.starts_at),
        "ends_at": None if notice.ends_at is None else _moment(notice.ends_at),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
