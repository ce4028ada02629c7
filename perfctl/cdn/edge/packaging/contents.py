"""Which files of a function go to AWS, under which names, and its settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perfctl.cdn.edge.model import EdgeFunction
from perfctl.cdn.edge.running.entry import Entry, entry_of
from perfctl.cdn.edge.tables import ENDINGS
from perfctl.errors import UsageError

REQUIREMENTS = "requirements.txt"
SETTINGS = "settings.json"
_USUAL = {"nodejs": "index", "python": "lambda_function"}
_MODULE = re.compile(r"^\s*(?:import\s[^(]|export\s)", re.MULTILINE)
_LEFT_OUT = frozenset({"tests", "test", REQUIREMENTS, "package-lock.json"})


def files_of(function: EdgeFunction) -> tuple[dict[str, bytes], str]:
    """The function's own files by their path in the package, and AWS's handler. UsageError where one is unreadable."""
    assert isinstance(function.source, Path)  # noqa: S101 - what is packed has a name, found by it
    entry = entry_of(function)
    if function.source.is_dir():
        module = entry.file.relative_to(entry.root).with_suffix("").as_posix()
        return _files_in(entry.root), f"{module}.{entry.handler}"
    content = _read(entry.file)
    return {_packed_name(function, entry, content): content}, f"{_USUAL[function.runtime]}.{entry.handler}"


def with_settings(
    files: dict[str, bytes], chosen: Mapping[str, str], function: str
) -> tuple[dict[str, bytes], dict[str, Any] | None]:
    """The files with `chosen` in settings.json, and what stands there: a function at the edge has no variables.

    A value is of the kind that is there: text as it is, all else as JSON. UsageError for what is not there.
    """
    if SETTINGS not in files:
        if chosen:
            raise UsageError(
                f"{function} has no settings: --set {next(iter(chosen))} has no place to go to",
                hint=f"put a {SETTINGS} with the defaults beside its entry, and read it there",
            )
        return files, None
    settings = _object(files[SETTINGS], function)
    for key, text in chosen.items():
        if key not in settings:
            raise UsageError(f"--set {key}: {function} has no such setting", hint=f"there are {', '.join(settings)}")
        settings[key] = _value(key, text, settings[key])
    return {**files, SETTINGS: (json.dumps(settings, indent=2) + "\n").encode()}, settings


def requirements_of(function: EdgeFunction) -> Path | None:
    """The file beside a function of Python that names what it requires."""
    source = function.source
    if function.runtime != "python" or not isinstance(source, Path) or not source.is_dir():
        return None
    file = source / REQUIREMENTS
    return file if file.is_file() else None


def _files_in(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and _goes_along(parts):
            found["/".join(parts)] = _read(path)
    return found


def _goes_along(parts: tuple[str, ...]) -> bool:
    """Whether a file of the folder is part of the package: not what is hidden, made by Python, or there for tests."""
    is_left_out = {parts[0], parts[-1]} & _LEFT_OUT or any(part == "__pycache__" or part[0] == "." for part in parts)
    return not is_left_out and not parts[-1].endswith((*ENDINGS, ".pyc"))


def _packed_name(function: EdgeFunction, entry: Entry, content: bytes) -> str:
    """Lambda takes a `.js` for CommonJS: a module becomes `.mjs`."""
    ending = entry.file.suffix
    if function.runtime == "nodejs" and ending == ".js" and _MODULE.search(content.decode(errors="replace")):
        ending = ".mjs"
    return f"{_USUAL[function.runtime]}{ending}"


def _value(key: str, text: str, default: Any) -> Any:
    if isinstance(default, str):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    numbers = (int, float)
    is_number = isinstance(default, numbers) and not isinstance(default, bool)
    fits = isinstance(value, numbers) and not isinstance(value, bool) if is_number else type(value) is type(default)
    if not fits:
        kind = "a number" if is_number else type(default).__name__
        raise UsageError(f"--set {key}={text}: that is not {kind}", hint=f"the default is {json.dumps(default)}")
    return value


def _object(content: bytes, function: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise UsageError(f"{function}: {SETTINGS} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{function}: {SETTINGS} is not an object", hint='write {"key": value}')
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name files that can be read") from error
