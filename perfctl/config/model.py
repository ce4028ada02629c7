"""The answers of the `config` commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in force."""

    key: str
    value: str | int | float | bool | tuple[str, ...] | None
    """`***` for a secret; null where nothing is set."""
    origin: str
    """`default`, `file:line:col`, `env NAME` or a flag."""


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """Every setting of a context."""

    listing: ClassVar[str] = "rows"

    context: str
    files: tuple[str, ...]
    """The files that were read, the weakest first."""
    rows: tuple[Setting, ...]
    with_origin: bool


@dataclass(frozen=True, slots=True)
class ValidFile:
    """A file without a fault."""

    path: str
    contexts: tuple[str, ...]
    warnings: int


@dataclass(frozen=True, slots=True)
class Validation:
    """The files that were checked; with one fault there is an error instead."""

    listing: ClassVar[str] = "rows"

    rows: tuple[ValidFile, ...]


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that was written."""

    path: str
    size_bytes: int
