"""Drawings that were looked at once and kept, a folder a room."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def golden_of(room: str) -> Callable[[str, str], str]:
    """The function that says what a room's file of a name holds; PERFCTL_GOLDEN=1 writes what was drawn into it,
    to be looked at before it is committed."""
    folder = Path(__file__).parent / "golden" / room

    def golden(name: str, drawn: str) -> str:
        if os.environ.get("PERFCTL_GOLDEN"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(drawn, encoding="utf-8")
        return (folder / name).read_text(encoding="utf-8")

    return golden
