"""Is the history well: can it be written, how large is it, does anybody still write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from perfctl.diagnosis import Check, Status
from perfctl.units import format_bytes, format_duration_ms

if TYPE_CHECKING:
    from pathlib import Path

    from perfctl.metrics.history.history import History

_COMPONENT = "history"
SIZE_WARN_BYTES = 2_000_000_000
STALE_INTERVALS = 6
"""So many intervals without a frame, and whoever records has stopped."""


def history_checks(history: History, *, now: float, interval_seconds: float, is_expected: bool) -> list[Check]:
    """Whether it can be written, its size, and the age of its last frame.

    `is_expected`: something is set up to record. Where nothing is, and nothing was recorded, it is `off`. Raises
    what a history raises that cannot be read.
    """
    status = history.status()
    if not status.is_there and not is_expected:
        return [Check(_COMPONENT, "configured", "off", "nothing was recorded: perfctl metrics record", None)]
    checks = [_writable(history.path)]
    if not status.is_there:
        return [*checks, Check(_COMPONENT, "age", "warn", "nothing was recorded yet", "perfctl metrics record")]
    return [*checks, _size(status.size_bytes), _age(status.newest, now, interval_seconds, is_expected=is_expected)]


def _writable(path: Path) -> Check:
    nearest = next(each for each in (path, *path.absolute().parents) if each.exists())
    if os.access(nearest, os.W_OK) and os.access(path.parent if path.exists() else nearest, os.W_OK | os.X_OK):
        return Check(_COMPONENT, "writable", "pass", str(path))
    fix = f"chown {os.getuid()} {nearest}, or set metrics.history_file"
    return Check(_COMPONENT, "writable", "fail", f"{path} cannot be written", fix)


def _size(size: int) -> Check:
    status: Status = "warn" if size >= SIZE_WARN_BYTES else "pass"
    fix = "lower metrics.history_days, or metrics.max_series" if status == "warn" else None
    return Check(
        _COMPONENT, "size", status, format_bytes(size), fix, value=size, unit="bytes", threshold=SIZE_WARN_BYTES
    )


def _age(newest: float | None, now: float, interval: float, *, is_expected: bool) -> Check:
    if newest is None:
        return Check(_COMPONENT, "age", "warn" if is_expected else "pass", "it holds nothing", None)
    age = max(now - newest, 0.0)
    limit = max(STALE_INTERVALS * interval, 60.0)
    status: Status = "warn" if age > limit else "pass"
    fix = "is perfctl serve, metrics record or the publishing application still running?" if status == "warn" else None
    observed = f"the last frame is {format_duration_ms(age * 1000)} old"
    return Check(_COMPONENT, "age", status, observed, fix, value=round(age, 1), unit="seconds", threshold=limit)
