"""Drawings that were looked at once and kept, a folder a room."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perfctl.render.show import show


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


def drawn_as(answer: object, output: Any, width: int, *, words: tuple[str, ...], limit: int | None = None) -> str:
    """An answer as a command of these words shows it in the context `prod`."""
    return show(answer, words=words, output=output, context="prod", limit=limit, took_ms=1.0, width=width)
