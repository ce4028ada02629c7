"""Entries to preload, read one by one from JSON Lines or a YAML plan; a bad one is named by file and line.

A line of JSON Lines is `{"key": "user:1", "value": {...}, "ttl": 600}`; `ttl` (seconds, or text such as "10m") and
`namespace` may be left out. A YAML plan:

    namespace: api            # for entries that name none
    ttl: 10m                  # likewise
    entries:
      - key: user:1
        value: {name: Ada}
        ttl: 1h
    files: [quotes.jsonl]     # JSON Lines, relative to the plan
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from perfctl.errors import UsageError
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from perfctl.cache.model import Preloaded


class Entry(NamedTuple):
    """One key to write; `ttl` in seconds and `namespace` where the entry names them."""

    where: str
    key: str
    value: Any
    ttl: float | None = None
    namespace: str | None = None


class BadEntry(NamedTuple):
    """One entry that cannot be written, and why."""

    where: str
    reason: str


_FIELDS = ("key", "value", "ttl", "namespace")
_PLAN_FIELDS = ("namespace", "ttl", "entries", "files")
_MAX_LINE_BYTES = 64 * 1024 * 1024


def read_file(path: Path, *, skip: int = 0) -> Iterable[Entry | BadEntry]:
    """The entries of a file: a YAML plan where the name ends in .yaml or .yml, else JSON Lines; the first `skip` of
    them passed over, bad ones counted, too.

    Read as they are asked for. UsageError when the file cannot be read at all.
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        return islice(read_plan(_content(path), path), skip, None)
    return Lines(_blocks_in(path), str(path), skip)


def read_lines(lines: Iterable[bytes], source: str, *, skip: int = 0) -> Lines:
    """The entries of JSON Lines; `source` names the file. Empty lines are passed over, and the first `skip` others."""
    return Lines(_blocks_of(lines), source, skip)


class Lines:
    """JSON Lines, to be read once: entry by entry, or in blocks of whole lines that somebody else looks into."""

    def __init__(self, blocks: Iterable[bytes], source: str, skip: int) -> None:
        self.source = source
        self._blocks = blocks
        self._skip = skip

    def __iter__(self) -> Iterator[Entry | BadEntry]:
        for number, block, _ in self.blocks():
            yield from self.entries(number, block)

    def blocks(self) -> Iterator[tuple[int, bytes, int]]:
        """The lines that are not skipped, about 1,000 of them at a time: the number of the first, and how many."""
        number, skip = 1, self._skip
        for block in self._blocks:
            count = block.count(b"\n") + (not block.endswith(b"\n"))
            if skip:
                passed, skip = _passed(block, skip)
                if passed < count:
                    yield number + passed, _after(block, passed), count - passed
            else:
                yield number, block, count
            number += count

    def entries(self, number: int, block: bytes) -> Iterator[Entry | BadEntry]:
        """The entries of a block of which the first line has this number."""
        for place, line in enumerate(block.removesuffix(b"\n").split(b"\n"), number):
            text = line.removeprefix(_MARK) if place == 1 else line
            if text.strip():
                yield _line(text, f"{self.source}:{place}")


def _passed(block: bytes, skip: int) -> tuple[int, int]:
    """How many lines of a block are passed over with so many entries, and how many entries are left to pass over."""
    lines = block.removesuffix(b"\n").split(b"\n")
    for place, line in enumerate(lines):
        if not skip:
            return place, 0
        skip -= bool(line.strip())
    return len(lines), skip


def _after(block: bytes, count: int) -> bytes:
    """What follows the first lines of a block."""
    return b"\n".join(block.split(b"\n")[count:])


def _blocks_of(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines by the thousand, or by the megabyte."""
    block: list[bytes] = []
    size = 0
    for line in lines:
        block.append(line if line.endswith(b"\n") else line + b"\n")
        size += len(line)
        if size >= _BLOCK_BYTES or len(block) >= _BLOCK_LINES:
            yield b"".join(block)
            block, size = [], 0
    if block:
        yield b"".join(block)


def _blocks_in(path: Path) -> Iterator[bytes]:
    """A file in blocks of whole lines; a line that is too long is cut where that can be seen, and ends them."""
    try:
        with path.open("rb") as stream:
            while block := stream.read(_FILE_BLOCK_BYTES):
                rest = stream.readline(_MAX_LINE_BYTES + 1)
                yield block + rest
                if len(rest) > _MAX_LINE_BYTES:
                    return
    except OSError as error:
        raise _unreadable(path, error) from error


_FILE_BLOCK_BYTES = 128 * 1024
_BLOCK_LINES = 1000
_BLOCK_BYTES = 1_000_000
_MARK = b"\xef\xbb\xbf"
"""The byte order mark that some editors begin a file with."""


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream; one that is too long ends them, and is cut where that can be seen."""
    while line := stream.readline(_MAX_LINE_BYTES + 1):
        yield line
        if len(line) > _MAX_LINE_BYTES:
            return


def read_plan(text: str, path: Path) -> Iterator[Entry | BadEntry]:
    """The entries of a YAML plan, then those of its files. UsageError for a plan that is none."""
    plan, places = _plan(text, str(path))
    namespace, ttl = _text(plan.get("namespace"), f"{path}: namespace"), _plan_ttl(plan.get("ttl"), str(path))
    for index, fields in enumerate(_list(plan, "entries", path)):
        where = f"{path}:{places[index]}" if index < len(places) else str(path)
        yield _with_defaults(_entry(fields, where), namespace, ttl)
    for name in _list(plan, "files", path):
        file = path.parent / str(name)
        for entry in read_lines(lines_in(file), str(file)):
            yield _with_defaults(entry, namespace, ttl)


def entries_of(rows: Iterable[Any], source: str) -> Iterator[Entry | BadEntry]:
    """The entries of a list of mappings; each knows its place, from 0 on: `entries[3]`."""
    for place, row in enumerate(rows):
        yield _entry(row, f"{source}[{place}]")


def refuse_nothing(loaded: Preloaded, source: str, *, hint: str) -> None:
    """Return where something was loaded, now or by the run before. UsageError with the first reason where nothing
    was."""
    if loaded.loaded == 0 and (loaded.failed or not loaded.resumed_at):
        why = f"none of its {loaded.failed} entries is usable: {loaded.rows[0]}" if loaded.rows else "it has no entries"
        raise UsageError(f"{source}: nothing to load: {why}", hint=hint)


def _line(text: bytes, where: str) -> Entry | BadEntry:
    if len(text) > _MAX_LINE_BYTES:
        return BadEntry(where, f"the line is over {_MAX_LINE_BYTES} bytes, and nothing after it was read")
    try:
        fields = json.loads(text, parse_constant=no_constant)
    except UnicodeDecodeError:
        return BadEntry(where, "not UTF-8")
    except RecursionError:
        return BadEntry(where, "nests too deep")
    except json.JSONDecodeError as error:
        return BadEntry(f"{where}:{error.colno}", f"not JSON: {error.msg}")
    except ValueError as error:
        return BadEntry(where, f"not JSON: {error}")
    return _entry(fields, where)


def no_constant(name: str) -> float:
    """What JSON has no word for, as the parser meets it: NaN and Infinity. Raises ValueError."""
    raise ValueError(f"{name} is not a JSON value")


def _entry(fields: Any, where: str) -> Entry | BadEntry:
    """An entry of a mapping, or the first thing that is wrong with it."""
    if not isinstance(fields, dict):
        return BadEntry(where, f'expected {{"key": ..., "value": ...}}, found {_kind(fields)}')
    key, ttl, namespace = fields.get("key"), fields.get("ttl"), fields.get("namespace")
    if not isinstance(key, str) or not key:
        return BadEntry(where, '"key" is missing' if "key" not in fields else f'"key" is not text: {key!r}')
    if "value" not in fields:
        return BadEntry(where, '"value" is missing')
    if len(fields) > 2 and (unknown := [name for name in fields if name not in _FIELDS]):
        return BadEntry(where, _unknown(unknown[0], _FIELDS))
    if namespace is not None and (not isinstance(namespace, str) or not namespace):
        return BadEntry(where, f'"namespace" is not text: {namespace!r}')
    if ttl is None:
        return Entry(where, key, fields["value"], None, namespace)
    try:
        return Entry(where, key, fields["value"], seconds_of(ttl), namespace)
    except UsageError as error:
        return BadEntry(where, error.message)


def seconds_of(ttl: Any) -> float:
    """A TTL as an entry names it: seconds, or text such as "10m". UsageError for anything else."""
    if isinstance(ttl, str):
        ttl = parse_duration(ttl, where='"ttl"')
    if isinstance(ttl, bool) or not isinstance(ttl, (int, float)) or not ttl > 0:
        raise UsageError(f'"ttl" is not a number of seconds above 0: {ttl!r}')
    return float(ttl)


def _with_defaults(entry: Entry | BadEntry, namespace: str | None, ttl: float | None) -> Entry | BadEntry:
    if isinstance(entry, BadEntry):
        return entry
    return entry._replace(namespace=entry.namespace or namespace, ttl=ttl if entry.ttl is None else entry.ttl)


def _plan(text: str, source: str) -> tuple[Mapping[str, Any], list[int]]:
    """The plan's mapping, and the line of each of its entries."""
    import yaml

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise UsageError(f"{source}: aliases (*name) are not accepted in a plan", hint="write the value out")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        plan = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise UsageError(f"{where}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(plan, dict):
        raise UsageError(f"{source}: a plan is a mapping with entries: or files:, found {_kind(plan)}")
    unknown = [str(name) for name in plan if name not in _PLAN_FIELDS]
    if unknown:
        raise UsageError(
            f"{source}: {_unknown(unknown[0], _PLAN_FIELDS)}", hint=f"a plan has {', '.join(_PLAN_FIELDS)}"
        )
    listed = next((value for key, value in getattr(node, "value", ()) if key.value == "entries"), None)
    items = listed.value if isinstance(listed, yaml.SequenceNode) else []
    return plan, [item.start_mark.line + 1 for item in items]


def _plan_ttl(ttl: Any, source: str) -> float | None:
    try:
        return None if ttl is None else seconds_of(ttl)
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}", hint=error.hint) from error


def _text(value: Any, where: str) -> str | None:
    if value is not None and (not isinstance(value, str) or not value):
        raise UsageError(f"{where}: {value!r} is not text")
    return value


def _list(plan: Mapping[str, Any], name: str, path: Path) -> list[Any]:
    items = plan.get(name) or []
    if not isinstance(items, list):
        raise UsageError(f"{path}: {name} is not a list: {_kind(items)}")
    return items


def _unknown(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, n=1)
    return f'"{name}" is not known' + (f", did you mean {near[0]!r}?" if near else "")


def _kind(value: Any) -> str:
    return {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}.get(type(value), "a scalar")


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def lines_in(path: Path) -> Iterator[bytes]:
    """The lines of a file. UsageError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            yield from lines_of(stream)
    except OSError as error:
        raise _unreadable(path, error) from error


def refuse_unreadable(path: Path) -> None:
    """UsageError where a file cannot be read, before anybody is asked anything for its sake."""
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or "not UTF-8"
    return UsageError(f"cannot read {path}: {reason}", hint="name a .jsonl file, a .yaml plan, or - for stdin")
