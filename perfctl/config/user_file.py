"""Writing a context into the user's file, and taking one out; every other byte stays as it is.

The file is spliced at the places that its nodes have, then read again as a check before it takes the old one's place.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perfctl.config import nodes
from perfctl.config.discover import exists, user_file
from perfctl.config.document import document_of
from perfctl.config.fault import Fault, Mark, raise_for
from perfctl.config.source import read_text
from perfctl.errors import ConfigError, LockedError

_NEW = "# Your configuration of perfctl: `perfctl config init` writes an example with every key.\nversion: 1\n"
_LOCK_LIMIT_SECONDS = 10.0


def save_context(name: str, settings: Mapping[str, Any], *, environ: Mapping[str, str] | None = None) -> Path:
    """Write a context of plain nested values over one of that name, or beside the others; the file's path.

    Secrets are references: `{"password": {"file": PATH}}`. The file (0600) and its folders are made where they are
    missing; it is replaced at once, and two writers take turns. ConfigError when the file, or what it would
    become, is not valid; then nothing is changed.
    """
    path = _path(environ)
    with _turn(path):
        text = _current(path)
        _replace(path, _checked(with_context(text, name, settings), path, name, wanted=True))
    return path


def remove_context(name: str, *, environ: Mapping[str, str] | None = None) -> bool:
    """Take a context out, and `current` where it names it; False where there was none."""
    path = _path(environ)
    if not exists(path):
        return False
    with _turn(path):
        text = _current(path)
        changed = without_context(text, name)
        if changed == text:
            return False
        _replace(path, _checked(changed, path, name, wanted=False))
    return True


def with_context(text: str, name: str, settings: Mapping[str, Any]) -> str:
    """The text of a file with this context in it, in the place of one of that name."""
    found = _context(text, name)
    if found is not None:
        return _with_replaced(text, found, name, settings)
    root = _root(text)
    entry = _entry(root, "contexts")
    if entry is None:
        return _with_contexts(text, root, name, settings)
    key, value = entry
    if not isinstance(value, nodes.Mapping) or not value.pairs:
        start, end = text.index(":", key.end) + 1, max(value.end, text.index(":", key.end) + 1)
        return (
            f"{text[:start]} {{{_flow_pair(name, settings)}}}{text[end:]}"
            if root.is_flow
            else _filled(text, start, end, name, settings)
        )
    if value.is_flow:
        return f"{text[: value.end - 1]}, {_flow_pair(name, settings)}{text[value.end - 1 :]}"
    indent = " " * (value.pairs[0][0].mark.column - 1)
    at = _after_line(text, value.end)
    return f"{_ended(text[:at])}{_block(name, settings, indent)}{text[at:]}"


def without_context(text: str, name: str) -> str:
    """The text of a file without this context, and without a `current` that names it."""
    found = _context(text, name)
    if found is None:
        return text
    contexts, key, value = found
    changed = _without_flow(text, contexts, key) if contexts.is_flow else _without_lines(text, key, value)
    if len(contexts.pairs) == 1 and not contexts.is_flow:
        changed = _without_entry(changed, "contexts")
    current = _entry(_root(changed), "current")
    is_named = current is not None and isinstance(current[1], nodes.Scalar) and current[1].text == name
    return _without_entry(changed, "current") if is_named else changed


Entry = tuple[nodes.Node, nodes.Node]


def _root(text: str) -> nodes.Mapping:
    tree = nodes.compose(text, "the file")
    if isinstance(tree, Fault) and tree.message == "is empty":
        return nodes.Mapping((), Mark("the file", 1, 1), len(text), len(text))
    if not isinstance(tree, nodes.Mapping):
        raise ConfigError("the file is not a mapping of sections", hint="perfctl config validate says what is wrong")
    return tree


def _entry(root: nodes.Mapping, name: str) -> Entry | None:
    return next((pair for pair in root.pairs if isinstance(pair[0], nodes.Scalar) and pair[0].text == name), None)


def _context(text: str, name: str) -> tuple[nodes.Mapping, nodes.Node, nodes.Node] | None:
    entry = _entry(_root(text), "contexts")
    if entry is None or not isinstance(entry[1], nodes.Mapping):
        return None
    found = _entry(entry[1], name)
    return (entry[1], *found) if found else None


def _with_replaced(
    text: str, found: tuple[nodes.Mapping, nodes.Node, nodes.Node], name: str, settings: Mapping[str, Any]
) -> str:
    contexts, key, value = found
    if contexts.is_flow:
        return f"{text[: key.start]}{_flow_pair(name, settings)}{text[max(value.end, key.end) :]}"
    indent = " " * (key.mark.column - 1)
    before, after = text[: _line_start(text, key.start)], text[_after_line(text, max(value.end, key.end + 1)) :]
    return f"{before}{_block(name, settings, indent)}{after}"


def _with_contexts(text: str, root: nodes.Mapping, name: str, settings: Mapping[str, Any]) -> str:
    if root.is_flow:
        comma = ", " if root.pairs else ""
        return f'{text[: root.end - 1]}{comma}"contexts": {{{_flow_pair(name, settings)}}}{text[root.end - 1 :]}'
    version = "" if root.pairs else "version: 1\n"
    return f"{_ended(text)}{version}contexts:\n{_block(name, settings, '  ')}"


def _filled(text: str, start: int, end: int, name: str, settings: Mapping[str, Any]) -> str:
    """The first context under a `contexts:` that holds none."""
    tail = text[end:]
    line, newline, rest = tail.partition("\n")
    return f"{text[:start]}{line}\n{_block(name, settings, '  ')}{rest if newline else ''}"


def _without_flow(text: str, contexts: nodes.Mapping, key: nodes.Node) -> str:
    """The flow mapping without one pair, and without the comma before it or, at the start, after it."""
    index = next(i for i, pair in enumerate(contexts.pairs) if pair[0] is key or pair[0] == key)
    pairs = contexts.pairs
    if index > 0:
        before = pairs[index - 1]
        return text[: max(before[0].end, before[1].end)] + text[max(key.end, pairs[index][1].end) :]
    end = pairs[1][0].start if len(pairs) > 1 else contexts.end - 1
    return text[: key.start] + text[end:]


def _without_entry(text: str, name: str) -> str:
    root = _root(text)
    entry = _entry(root, name)
    if entry is None or root.is_flow:
        return text
    return _without_lines(text, *entry)


def _without_lines(text: str, key: nodes.Node, value: nodes.Node) -> str:
    return text[: _line_start(text, key.start)] + text[_after_line(text, max(value.end, key.end + 1)) :]


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _after_line(text: str, at: int) -> int:
    """Behind the line on which a value ends; a block text already ends behind its line."""
    if at > 0 and text[at - 1 : at] == "\n":
        return at
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _block(name: str, settings: Mapping[str, Any], indent: str) -> str:
    key = json.dumps(name) if _is_odd(name) else name
    inner = [f"  {line}" for item, value in settings.items() for line in _lines(item, value)]
    return "".join(f"{indent}{line}\n" for line in ([f"{key}:", *inner] if inner else [f"{key}: {{}}"]))


def _lines(key: str, value: Any) -> Iterator[str]:
    """`key: value`, with mappings in lines of their own down to references, which fit in one."""
    if (
        isinstance(value, Mapping)
        and value
        and any(isinstance(item, Mapping) or len(value) > 1 for item in value.values())
    ):
        yield f"{key}:"
        for name, item in value.items():
            yield from (f"  {line}" for line in _lines(str(name), item))
    else:
        yield f"{key}: {_flow(value)}"


def _flow_pair(name: str, settings: Mapping[str, Any]) -> str:
    return f"{json.dumps(name)}: {_flow(settings)}"


def _flow(value: Any) -> str:
    """A value in YAML's JSON form, texts without quotes where YAML takes them for the same text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str) and not _is_odd(value):
        return value
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _is_odd(text: str) -> bool:
    """Whether YAML would read the bare text as something else."""
    return not re.fullmatch(r"[A-Za-z/][A-Za-z0-9._/\-]*", text) or nodes.kind_of(text) != "str"


def _path(environ: Mapping[str, str] | None) -> Path:
    path = user_file(os.environ if environ is None else environ)
    if path is None:
        raise ConfigError("there is no place for the user's file", hint="set HOME or XDG_CONFIG_HOME")
    return path


def _current(path: Path) -> str:
    if not exists(path):
        return _NEW
    text = read_text(path)
    if isinstance(text, Fault):
        raise_for([text])
        return ""
    return text


def _checked(text: str, path: Path, name: str, *, wanted: bool) -> str:
    """The text, if it is a valid file in which the context is or is not."""
    document = document_of(text or "version: 1\n", path, "user")
    raise_for(document.faults)
    if (name in document.contexts) is not wanted:
        raise ConfigError(f"{path}: context {name!r} cannot be written into this file", hint="edit it by hand")
    return text or "version: 1\n"


def _replace(path: Path, text: str) -> None:
    """Write beside the file and put it in its place; a link stays a link."""
    target = path.resolve()
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Hold the folder's lock, which dies with the process, while the file is changed."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_LIMIT_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise LockedError(f"another perfctl is writing {path}", hint="try again") from error
            time.sleep(0.02)


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path}: cannot be written: {error.strerror}", hint="check the rights of its folder")
