"""The text of a function, from where it lies."""

from __future__ import annotations

from pathlib import Path

from perfctl.cdn.edge.model import EdgeFunction
from perfctl.errors import UsageError


def text_of(function: EdgeFunction) -> str:
    """The source of a function of one file. UsageError where there is none, or where it is not UTF-8."""
    name = function.source if isinstance(function.source, Path) else function.name
    try:
        content = function.source.read_bytes() if isinstance(function.source, Path) else function.source
        return content.decode()
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}", hint="name the file of the function") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: it is not UTF-8: {error.reason} at byte {error.start}") from error
