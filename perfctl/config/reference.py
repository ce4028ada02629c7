"""The value of a reference that needs no program and no service: a literal, a variable, a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from perfctl.config.secret import Secret
from perfctl.config.source import read_text


def peek(secret: Secret, environ: Mapping[str, str]) -> str | None:
    """Its value where it is there; None where it is not, and of every other kind."""
    if secret.kind == "literal":
        return str(secret.target)
    if secret.kind == "env":
        return environ.get(str(secret.target)) or None
    text = read_text(Path(str(secret.target))) if secret.kind == "file" else None
    return without_newline(text) or None if isinstance(text, str) else None


def without_newline(text: str) -> str:
    """A text without the one line end that editors and `echo` put behind a secret."""
    return text.removesuffix("\n").removesuffix("\r")
