"""`perfctl cache preload`: write many keys ahead of the reads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cache.model import Preloaded
from perfctl.cli.cache import Namespace, Ttl, group, operator_of, seconds_of
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.preload import BadEntry, Entry


@group.command("preload", example="perfctl cache preload quotes.jsonl -n api --ttl 1h")
async def preload(
    run: Run,
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON Lines, a YAML plan, or - for JSON Lines on stdin.")
    ],
    namespace: Namespace = None,
    ttl: Ttl = None,
) -> Preloaded:
    """Write many keys ahead of the reads.

    A line is {"key": "user:1", "value": {...}, "ttl": 600}; the ttl may be left out. A bad line is reported and
    passed over (exit 6). A YAML plan has namespace, ttl, entries (a list of key, value, ttl) and files (a list of
    JSON Lines files).
    """
    run.refuse_when_read_only("cache preload")
    with progress_of(run, f"loading {source}") as progress:
        loaded = await operator_of(run).preload(
            _entries(source), namespace=namespace, ttl=seconds_of(ttl), on_progress=progress
        )
    return _judged(run, loaded, source)


def _entries(source: str) -> Iterator[Entry | BadEntry]:
    from perfctl.cache.preload import lines_of, read_file, read_lines

    if not source:
        raise UsageError("the file's name is empty", hint="name a .jsonl file, a .yaml plan, or - for stdin")
    return read_lines(lines_of(sys.stdin.buffer), "stdin") if source == "-" else read_file(Path(source))


def _judged(run: Run, loaded: Preloaded, source: str) -> Preloaded:
    """Exit 6 when a part was not loaded; UsageError when nothing was."""
    if loaded.loaded == 0:
        why = f"none of its {loaded.failed} entries is usable: {loaded.rows[0]}" if loaded.rows else "it has no entries"
        raise UsageError(
            f"{source}: nothing to load: {why}", hint='a line is {"key": "user:1", "value": 1, "ttl": 600}'
        )
    if loaded.failed:
        run.exit(6)
    return loaded
