"""The server's settings by name, from their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.db.postgres import Record

QUESTION = "check_settings"
_UNITS = {"B": 1, "kB": 1024, "8kB": 8192, "16kB": 16384, "32kB": 32768, "4kB": 4096, "MB": 1024**2, "GB": 1024**3}


def values(rows: Sequence[Record]) -> Mapping[str, str]:
    """What each is set to."""
    return {row["name"]: row["value"] for row in rows}


def size_bytes(rows: Sequence[Record], name: str) -> int:
    """A setting of memory in bytes."""
    row = next(row for row in rows if row["name"] == name)
    return int(row["value"]) * _UNITS[row["unit"] or "B"]
