"""The text of a function, and of its key value store, from where they lie."""

from __future__ import annotations

import json
from pathlib import Path

from perfctl.cdn.edge.model import EdgeFunction
from perfctl.errors import UsageError


def text_of(function: EdgeFunction) -> str:
    """The source of a function of one file. UsageError where there is none, or where it is not UTF-8."""
    if isinstance(function.source, Path):
        return _read(function.source)
    return _decoded(function.source, function.name)


def store_of(function: EdgeFunction) -> dict[str, str] | None:
    """The key value store: `{"key": "value"}`, or the form that CloudFront imports, `{"data": [{"key", "value"}]}`."""
    if function.store is None:
        return None
    hint = 'write {"key": "value"}, or what CloudFront imports: {"data": [{"key": "k", "value": "v"}]}'
    try:
        content = json.loads(_read(function.store))
    except json.JSONDecodeError as error:
        where = f"{function.store}:{error.lineno}:{error.colno}"
        raise UsageError(f"{function.store}: it is not JSON: {error.msg}", hint=hint, where=where) from error
    pairs = content.get("data") if isinstance(content, dict) else None
    if isinstance(pairs, list) and all(isinstance(pair, dict) and {"key", "value"} <= pair.keys() for pair in pairs):
        content = {pair["key"]: pair["value"] for pair in pairs}
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise UsageError(f"{function.store}: it is not a key value store", hint=hint)
    return content


def _read(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a file that can be read") from error


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: it is not UTF-8: {error.reason} at byte {error.start}") from error
