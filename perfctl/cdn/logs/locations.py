"""Where access logs lie: files, folders, patterns, stdin, and objects of S3."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from perfctl.cdn.logs.inflating import Stream
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cdn.services import Services

WANTED = "name files, folders, patterns, s3://bucket/prefix, or - for stdin"
_HOUR = re.compile(r"\.(\d{4}-\d\d-\d\d-\d\d)\.[^/]*$")
_MARGIN = timedelta(hours=1)
"""How far the requests of a file may lie from the hour in its name."""


@dataclass(frozen=True, slots=True)
class LogSource:
    """One file, one object or stdin; opened when it is read."""

    name: str
    size_bytes: int | None
    """As it lies there; None for stdin."""
    opened: Callable[[], AbstractContextManager[Stream]]
    is_named: bool = False
    """Whether it was named itself, not found in a folder or by a pattern."""


def files_of(
    places: Sequence[str],
    services: Services | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[LogSource]:
    """The sources at these places, each once; folders with all below them, in the order of their names.

    A source whose name or age says that it holds nothing of the time from `since` to `until` is left out. UsageError,
    at once, for a place where nothing is; what lies in S3 is asked for as it is reached, in this thread.
    """
    if not places:
        raise UsageError("no place of access logs was named", hint=WANTED)
    found = [(place, [] if is_s3(place) else _local(place)) for place in places]
    return _each_once(found, services, since, until)


def _each_once(
    found: Sequence[tuple[str, list[LogSource]]],
    services: Services | None,
    since: datetime | None,
    until: datetime | None,
) -> Iterator[LogSource]:
    seen: set[str] = set()
    for place, sources in found:
        for source in _objects(place, services, since) if is_s3(place) else sources:
            key = os.path.realpath(source.name) if not is_s3(place) else source.name
            if key not in seen and may_hold(source.name, since, until):
                seen.add(key)
                yield source


def may_hold(name: str, since: datetime | None, until: datetime | None) -> bool:
    """Whether a log of this name may tell of that time: CloudFront's names say the hour (UTC).

    >>> may_hold("E1.2026-05-01-12.abcd.gz", datetime(2026, 5, 2, tzinfo=UTC), None)
    False
    """
    match = _HOUR.search(name)
    if match is None:
        return True
    try:
        hour = datetime.strptime(match.group(1), "%Y-%m-%d-%H").replace(tzinfo=UTC)
    except ValueError:
        return True
    is_over = since is not None and hour + timedelta(hours=1) + _MARGIN <= since
    return not is_over and (until is None or hour - _MARGIN < until)


def is_s3(place: str) -> bool:
    """Whether a place is in S3."""
    return place.startswith("s3://")


def _objects(place: str, services: Services | None, since: datetime | None) -> Iterator[LogSource]:
    from perfctl.cdn.logs.s3 import objects

    if services is None:
        raise UsageError(f"{place}: no account to ask S3 with", hint=WANTED)
    return objects(place, services, since)


def _local(place: str) -> list[LogSource]:
    if place == "-":
        return [LogSource("stdin", None, lambda: nullcontext(cast(Stream, sys.stdin.buffer)), is_named=True)]
    path = Path(place)
    if not place:
        raise UsageError("the place of access logs is empty", hint=WANTED)
    if path.is_dir():
        return _below(path)
    if path.exists():
        return [replace(_file(path), is_named=True)]
    names = [Path(name) for name in sorted(glob.glob(place, recursive=True))]  # noqa: PTH207 - any pattern
    files = [source for name in names for source in ([_file(name)] if not name.is_dir() else [])]
    if not files:
        raise UsageError(f"{place}: there is no such file", hint=WANTED)
    return files


def _below(folder: Path) -> list[LogSource]:
    """Every file in a folder and below, but hidden ones."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not paths:
        raise UsageError(f"{folder}: no file is in this folder", hint=WANTED)
    return [_file(path) for path in paths]


def _file(path: Path) -> LogSource:
    try:
        with path.open("rb"):
            pass
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint=WANTED) from error
    return LogSource(str(path), size, lambda: path.open("rb"))
