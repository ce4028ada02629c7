"""What the servers wrote: the last lines, and those that come."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from perfctl.sandbox.model import LogLine
from perfctl.sandbox.supervisor import tail

_PAUSE_SECONDS = 0.2


def last_lines(files: Mapping[str, Path], count: int) -> Iterator[LogLine]:
    """The last lines of each file, file after file."""
    for service, path in files.items():
        yield from (LogLine(service, text) for text in tail(path, count))


def followed(files: Mapping[str, Path], count: int) -> Iterator[LogLine]:
    """The last lines, then every whole line that is added, for ever."""
    with contextlib.ExitStack() as stack:
        opened = {service: stack.enter_context(path.open("rb")) for service, path in files.items()}
        for file in opened.values():
            file.seek(0, 2)
        yield from last_lines(files, count)
        while True:
            for service, file in opened.items():
                yield from (LogLine(service, text) for text in _added(file))
            time.sleep(_PAUSE_SECONDS)


def _added(file: BinaryIO) -> Iterator[str]:
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), 1)
            return
        yield line.decode(errors="replace").rstrip("\n")
