"""Which function a name means: a file, a folder, or one that is shipped; and what its header comment says of it.

A header is one comment among the first lines of its file, which travels with it:

    // perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request
    # perfctl: runtime=python trigger=origin-response memory=512 handler=lambda_handler
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from perfctl.cdn.edge.model import RUNTIMES, TRIGGERS, EdgeFunction, Runtime, Trigger
from perfctl.errors import UsageError

SHIPPED = Path(__file__).parent / "functions"
"""Where the functions lie that perfctl ships, each a file or a folder."""
ENTRIES = ("index.mjs", "index.js", "index.cjs", "lambda_function.py")
"""What a folder's function begins with, unless its handler names another file."""

_HEADER = re.compile(r"^\s*(?://|#|/?\*+)\s*perfctl:\s*(.*?)\s*(?:\*/)?\s*$")
_HEADER_LINES = 20
_KEYS = ("runtime", "trigger", "handler", "memory", "store", "budget")
_RUNTIME_OF: Mapping[str, Runtime] = {".mjs": "nodejs", ".cjs": "nodejs", ".py": "python"}
_SUFFIXES = (".js", ".mjs", ".cjs", ".py")


@dataclass(frozen=True, slots=True)
class Said:
    """What flags say of a function, over what its header does."""

    runtime: str | None = None
    trigger: str | None = None
    handler: str | None = None
    store: Path | None = None


def find_function(name: str, said: Said | None = None) -> EdgeFunction:
    """The function of a path or of a shipped name. UsageError where there is none, or where nothing says what it is."""
    place = _place(name)
    file = entry_file(place)
    header, line = _header(file)
    flags = said or Said()
    runtime = flags.runtime or header.get("runtime") or _RUNTIME_OF.get(file.suffix) or "cloudfront-js-2.0"
    trigger = flags.trigger or header.get("trigger")
    if trigger is None:
        raise UsageError(
            f"{file}: nothing says at which trigger it runs",
            hint="--trigger viewer-request, or a comment: // perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request",
            where=str(file),
        )
    _one_of("runtime", runtime, RUNTIMES, f"{file}:{line}")
    _one_of("trigger", trigger, TRIGGERS, f"{file}:{line}")
    store = flags.store or (file.parent / header["store"] if "store" in header else None)
    return EdgeFunction(
        name=place.name.removesuffix(place.suffix) if place.is_file() else place.name,
        runtime=cast("Runtime", runtime),
        trigger=cast("Trigger", trigger),
        source=place,
        handler=flags.handler or header.get("handler", ""),
        memory_mb=_memory(header.get("memory", "128"), f"{file}:{line}"),
        store=store,
    )


def functions_in(place: str) -> tuple[Path, ...]:
    """The functions of a name: that of a file or of a folder that is one, and each of a folder of several."""
    path = _place(place)
    if path.is_file() or any((path / name).is_file() for name in ENTRIES):
        return (path,)
    listed = [one for one in sorted(path.iterdir()) if is_function(one)]
    if not listed:
        wanted = ", ".join(_SUFFIXES)
        raise UsageError(f"{path}: there is no function in it", hint=f"a function is a file ({wanted}) with a header")
    return tuple(listed)


def is_function(path: Path) -> bool:
    """Whether a file of a folder is a function: it says so in its header; a folder: by its entry."""
    if path.is_dir():
        return any((path / name).is_file() for name in ENTRIES)
    if path.suffix not in _SUFFIXES:
        return False
    try:
        return "trigger" in _header(path)[0]
    except UsageError:
        return path.is_file()


def shipped_names() -> tuple[str, ...]:
    """The names of the functions that perfctl ships."""
    if not SHIPPED.is_dir():
        return ()
    return tuple(one.stem if one.is_file() else one.name for one in sorted(SHIPPED.iterdir()) if is_function(one))


def entry_file(place: Path) -> Path:
    """The file that a function begins with; its header and its handler are there."""
    if place.is_file():
        return place
    for name in ENTRIES:
        if (place / name).is_file():
            return place / name
    raise UsageError(f"{place}: it holds none of {', '.join(ENTRIES)}", hint="name a function's file or folder")


def _place(name: str) -> Path:
    path = Path(name)
    if path.exists():
        return path
    for shipped in (SHIPPED / name, *(SHIPPED / f"{name}{suffix}" for suffix in _SUFFIXES)):
        if name and "/" not in name and shipped.exists():
            return shipped
    near = get_close_matches(name, shipped_names(), 1)
    hint = f"did you mean {near[0]}?" if near else f"shipped are {', '.join(shipped_names()) or 'none'}"
    raise UsageError(f"{name!r}: there is no such file, and no function of that name is shipped", hint=hint)


def _header(file: Path) -> tuple[dict[str, str], int]:
    """What its header says, and on which line that stands."""
    try:
        with file.open(encoding="utf-8", errors="replace") as text:
            lines = [text.readline(4096) for _ in range(_HEADER_LINES)]
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="name a file that can be read") from error
    for number, line in enumerate(lines, 1):
        if found := _HEADER.match(line):
            return _pairs(found[1], f"{file}:{number}"), number
    return {}, 1


def _pairs(text: str, where: str) -> dict[str, str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(
            f"{where}: the header is not complete: {error}", hint="KEY=VALUE words, their quotes closed", where=where
        ) from error
    pairs = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in _KEYS:
            raise UsageError(
                f"{where}: {word!r} in the header", hint=f"write KEY=VALUE of {', '.join(_KEYS)}", where=where
            )
        pairs[key] = value
    return pairs


def _one_of(key: str, value: str, known: tuple[str, ...], where: str) -> None:
    if value not in known:
        near = get_close_matches(value, known, 1)
        more = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"{where}: unknown {key} {value!r}", hint=f"{more}there are {', '.join(known)}", where=where)


def _memory(text: str, where: str) -> int:
    if not text.isdecimal() or not 128 <= int(text) <= 10_240:
        raise UsageError(f"{where}: memory={text}", hint="megabytes from 128 to 10240", where=where)
    return int(text)
