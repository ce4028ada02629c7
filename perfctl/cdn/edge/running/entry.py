"""Where a Lambda@Edge function begins: a folder, a file in it, a name in that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from perfctl.cdn.edge.model import EdgeFunction
from perfctl.errors import UsageError

_DEFAULTS = {"nodejs": ("index", "handler"), "python": ("lambda_function", "lambda_handler")}
_ENDINGS = {"nodejs": (".mjs", ".js", ".cjs"), "python": (".py",)}
_MODULE = re.compile(r"^\s*(?:import\s[^(]|export\s)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the worker loads."""

    root: Path
    file: Path
    handler: str


def entry_of(function: EdgeFunction, folder: Path | None = None) -> Entry:
    """The entry of a file, of a folder, or of a text, which is written to `folder`. UsageError where there is none."""
    module, _, name = function.handler.rpartition(".")
    usual_module, usual_name = _DEFAULTS[function.runtime]
    if isinstance(function.source, bytes):
        assert folder is not None  # noqa: S101 - the caller made it
        return Entry(folder, _written(function, folder, usual_module), name or usual_name)
    source = function.source.resolve()
    if source.is_dir():
        return Entry(source, _file_in(source, function, module or usual_module), name or usual_name)
    if not source.is_file():
        raise UsageError(f"{function.source}: there is no such file", hint="name the file or the folder of a function")
    return Entry(source.parent, source, name or usual_name)


def _written(function: EdgeFunction, folder: Path, name: str) -> Path:
    assert isinstance(function.source, bytes)  # noqa: S101 - as the caller found
    is_module = function.runtime == "nodejs" and _MODULE.search(function.source.decode(errors="replace"))
    ending = ".py" if function.runtime == "python" else ".mjs" if is_module else ".js"
    file = folder.resolve() / f"{name}{ending}"
    file.write_bytes(function.source)
    return file


def _file_in(folder: Path, function: EdgeFunction, module: str) -> Path:
    for ending in _ENDINGS[function.runtime]:
        if (folder / f"{module}{ending}").is_file():
            return folder / f"{module}{ending}"
    wanted = ", ".join(f"{module}{ending}" for ending in _ENDINGS[function.runtime])
    raise UsageError(f"{folder}: there is no {wanted} in it", hint="handler=FILE.NAME in its header names another")
