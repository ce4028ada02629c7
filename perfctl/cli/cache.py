"""`perfctl cache`: read, write, clear, warm and judge the cache on the server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfctl.cache.model import CachedValue, Cleared, Deleted, Preloaded, SharedStats, Stored
from perfctl.cli.command import CommandGroup
from perfctl.cli.intake import taken
from perfctl.cli.planner import DryRun, MaxAffected, Plan, confirm
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis, diagnose
from perfctl.errors import UsageError
from perfctl.units import format_count, parse_duration

if TYPE_CHECKING:
    from perfctl.cache.operator import CacheOperator, Progress
    from perfctl.cache.preload import BadEntry, Entry

_MAX_VALUE_BYTES = 64 * 1024 * 1024
"""What the cache takes as one value."""

group = CommandGroup("cache", help="Look into, clear and warm the cache.")

Namespace = Annotated[
    str | None, typer.Option("-n", "--namespace", metavar="NAME", help="The namespace; 'default' when left out.")
]
Ttl = Annotated[
    str | None,
    typer.Option(
        "--ttl", metavar="DURATION", help="How long it lives: 10m, 24h, or 'never'; the default is cache.ttl_seconds."
    ),
]


@group.command("get", example="perfctl cache get user:123 -n api")
async def get(
    run: Run, key: Annotated[str, typer.Argument(help="The key.")], namespace: Namespace = None
) -> CachedValue:
    """Print a cached value; exit 1 when the key is absent.

    Text is printed as it is, everything else as JSON.
    """
    found = await _operator(run).get(key, namespace=namespace)
    if not found.found:
        run.exit(1)
    if not found.found and not found.unreadable and run.terminal.output == "table":
        run.terminal.say(f"no key {key!r} in namespace {found.namespace!r}")
    if found.unreadable:
        run.warn(f"{key!r} holds {found.size_bytes} bytes that perfctl did not write: {found.unreadable}")
    return found


@group.command("set", example='perfctl cache set user:123 \'{"name": "Ada"}\' --json --ttl 10m')
async def set_value(
    run: Run,
    key: Annotated[str, typer.Argument(help="The key.")],
    value: Annotated[str, typer.Argument(help="The value; - reads it from stdin.")],
    namespace: Namespace = None,
    ttl: Ttl = None,
    as_json: Annotated[bool, typer.Option("--json", help="The value is JSON, not text.")] = False,
) -> Stored:
    """Write a value.

    It is text or, with --json, the structure that the JSON describes.
    """
    run.refuse_when_read_only("cache set")
    text = _stdin_text() if value == "-" else value
    return await _operator(run).set(key, _parsed(text) if as_json else text, ttl=_seconds(ttl), namespace=namespace)


@group.command("delete", example="perfctl cache delete user:123 user:124 -n api")
async def delete(
    run: Run,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="The keys.")],
    namespace: Namespace = None,
) -> Deleted:
    """Delete keys by name.

    Keys that are not there are counted, and no error.
    """
    run.refuse_when_read_only("cache delete")
    return await _operator(run).delete(keys, namespace=namespace)


@group.command("clear", example="perfctl cache clear api --dry-run")
async def clear(
    run: Run,
    namespace: Annotated[str, typer.Argument(metavar="NAMESPACE", help="The namespace to empty.")],
    dry_run: DryRun = False,
    max_affected: MaxAffected = None,
) -> Cleared:
    """Delete all keys of a namespace.

    They go in small batches that other clients do not feel. Processes that hold a value of it in memory serve it
    for up to five more seconds.
    """
    from perfctl.cache.operator import cleared

    if not dry_run:
        run.refuse_when_read_only(f"clear namespace {namespace!r}")
    operator = _operator(run)
    size = await operator.measure(namespace)
    if dry_run:
        return cleared(size, dry_run=True)
    if size.keys:
        plan = Plan(
            f"clear namespace {namespace!r}",
            size.keys,
            "key" if size.keys == 1 else "keys",
            size.size_bytes,
            size.samples,
        )
        confirm(run, plan, max_affected=max_affected)
    with _progress(run, f"clearing {namespace}", size.keys) as progress:
        return await operator.clear(size, on_progress=progress)


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
    with _progress(run, f"loading {source}") as progress:
        loaded = await _operator(run).preload(
            _entries(source), namespace=namespace, ttl=_seconds(ttl), on_progress=progress
        )
    return _judged(run, loaded, source)


@group.command("stats", example="perfctl cache stats -n api")
async def stats(run: Run, namespace: Namespace = None) -> SharedStats:
    """Keys, bytes and hit ratio by namespace.

    Hits and misses are what all processes that use the cache counted; looking with perfctl is not.
    """
    return await _operator(run).stats(namespace)


@group.command("doctor", example="perfctl cache doctor")
async def doctor(run: Run) -> Diagnosis:
    """Can perfctl work with this Redis? Exit 1 when it cannot."""
    diagnosis = diagnose(await run.optimizer.cache.doctor())
    if diagnosis.status == "fail":
        run.exit(1)
    return diagnosis


def _operator(run: Run) -> CacheOperator:
    return run.optimizer.cache.operator


def _seconds(ttl: str | None) -> float | None:
    if ttl is None:
        return None
    if ttl == "never":
        return float("inf")
    seconds = parse_duration(ttl, where="--ttl")
    if not seconds > 0:
        raise UsageError(f"--ttl: {ttl!r} is not above 0", hint="write 'never' for a value that does not expire")
    return seconds


def _stdin_text() -> str:
    try:
        return taken("-", at_most=_MAX_VALUE_BYTES, wanted="cache its parts under keys of their own").decode()
    except UnicodeDecodeError as error:
        raise UsageError("stdin is not UTF-8", hint="values from the command line are text") from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"VALUE is not JSON: {error}", hint="leave --json out to store it as text") from error


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


@contextmanager
def _progress(run: Run, what: str, total: int | None = None) -> Iterator[Progress | None]:
    """A line on a terminal's stderr that counts up and is wiped at the end; nothing anywhere else."""
    if not run.terminal.shows_progress:
        yield None
        return
    of_all = f" of {format_count(total)}" if total is not None else ""
    width = 0

    def tell(done: int) -> None:
        nonlocal width
        line = f"{what}: {format_count(done)}{of_all}"
        sys.stderr.write(f"\r{line.ljust(width)}")
        sys.stderr.flush()
        width = len(line)

    try:
        yield tell
    finally:
        sys.stderr.write(f"\r{' ' * width}\r")
        sys.stderr.flush()
