"""What the health checks of the database warn of, but for what other sources look at more closely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.judged import UNKNOWN, found_of
from perfctl.operations.optimizing.model import Gain
from perfctl.units import format_bytes, format_ratio

if TYPE_CHECKING:
    from perfctl.diagnosis import Check
    from perfctl.operations.optimizing.asked import Asked, Found

ELSEWHERE = ("foreign_keys", "stale_statistics")
"""Checks that have a source of their own."""


async def look(asked: Asked) -> Sequence[Found]:
    """One finding for each check that is not well."""
    diagnosis = await asked.optimizer.database.check(timeout=asked.limit_seconds)
    return [
        found_of(check, "database_checks", otherwise=f"perfctl db check {check.check}", gain=_gain)
        for check in diagnosis.rows
        if check.status in ("warn", "fail") and check.check not in ELSEWHERE
    ]


def _gain(check: Check) -> Gain:
    if check.value is not None and check.unit == "bytes":
        return Gain(format_bytes(check.value), "the bytes that the check counted", check.value, "bytes")
    if check.value is not None and check.unit == "ratio" and "bloat" in check.check:
        return Gain(f"{format_ratio(check.value)} of its size", "the check's estimate", check.value, "ratio")
    return UNKNOWN
