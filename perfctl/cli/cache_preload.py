"""`perfctl cache preload`: write many keys ahead of the reads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cache.model import Preloaded
from perfctl.cli.cache import Namespace, Ttl, group, operator_of, seconds_of
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import AuthError, PerfctlError, UsageError

if TYPE_CHECKING:
    from perfctl.cache.preloading.preload import BadEntry, Entry
    from perfctl.cli.checkpoint import Checkpoint

_CHUNK = 1000
_LINE = 'a line is {"key": "user:1", "value": 1, "ttl": 600}'


@group.command("preload", example="perfctl cache preload quotes.jsonl -n api --ttl 1h")
async def preload(
    run: Run,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]", help="JSON Lines, a YAML plan, or - for JSON Lines on stdin.", show_default=False
        ),
    ] = None,
    namespace: Namespace = None,
    ttl: Ttl = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="SQL", help="Load the rows of a query on the database.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="TEMPLATE", help="With --query: the key, such as 'user:{id}'.")
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(
            "--value", metavar="COLUMN", help="With --query: the column that is the value; the default is row."
        ),
    ] = None,
    call: Annotated[
        str | None,
        typer.Option("--call", metavar="MODULE:FUNCTION", help="Call a cached function for each line of --args."),
    ] = None,
    args: Annotated[
        str | None,
        typer.Option("--args", metavar="FILE", help="With --call: a JSON list or object of arguments on each line."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the last run of the same source ended.")
    ] = False,
) -> Preloaded:
    """Write many keys ahead of the reads, from a file, a query or a cached function.

    A line is {"key": "user:1", "value": {...}, "ttl": 600}; the ttl may be left out. A bad line is reported and
    passed over (exit 6). A YAML plan has namespace, ttl, entries (a list of key, value, ttl) and files (a list of
    JSON Lines files). A query reads with a cursor, in a transaction that cannot write. --call imports the module from
    this folder and keeps what its function returns under the function's own keys.
    """
    _refuse_mixed(source, query, key, call, args)
    _refuse_idle(query, value, call, namespace, ttl)
    run.refuse_when_read_only("cache preload")
    if call is not None:
        return await _called(run, call, args or "", resume=resume)
    seconds = seconds_of(ttl)
    if query is not None:
        return await _queried(run, query, key or "", value or "row", namespace, seconds, resume=resume)
    return await _read(run, source or "", namespace, seconds, resume=resume)


async def _read(run: Run, source: str, namespace: str | None, ttl: float | None, *, resume: bool) -> Preloaded:
    operator = operator_of(run)
    if source == "-":
        if resume:
            raise UsageError("--resume: stdin cannot be read again", hint="name a file", where="--resume")
        with progress_of(run, "loading stdin") as progress:
            loaded = await operator.preload(_entries(source), namespace=namespace, ttl=ttl, on_progress=progress)
        return _judged(run, loaded, source)
    _refuse_unreadable(source)
    version = await _version(run, namespace)
    with (
        _place(run, resume, "file", _absolute(source), namespace, like=source, version=version) as (start, checkpoint),
        progress_of(run, f"loading {source}") as progress,
    ):
        loaded = await operator.preload(
            _entries(source, start),
            namespace=namespace,
            ttl=ttl,
            start=start,
            on_progress=progress,
            on_stored=checkpoint.reach,
        )
    return _judged(run, loaded, source)


async def _queried(
    run: Run, query: str, key: str, value: str, namespace: str | None, ttl: float | None, *, resume: bool
) -> Preloaded:
    if resume and "order by" not in " ".join(query.lower().split()):
        raise UsageError(
            "--resume: without ORDER BY the rows come in another order each time",
            hint="end the query in ORDER BY and a unique column",
            where="--resume",
        )
    version = await _version(run, namespace)
    with (
        _place(run, resume, "query", query, key, value, namespace, version=version) as (start, checkpoint),
        progress_of(run, "loading the query") as progress,
    ):
        loaded = await run.optimizer.preload_query(
            query,
            key=key,
            value=value,
            namespace=namespace,
            ttl=ttl,
            start=start,
            on_progress=progress,
            on_stored=checkpoint.reach,
        )
    if not loaded.loaded and not loaded.failed:
        run.warn("the query has no rows" if not start else f"the query has no rows after the first {start}")
        return loaded
    return _judged(run, loaded, "the query", hint="--key and --value name columns of the query")


async def _called(run: Run, call: str, args: str, *, resume: bool) -> Preloaded:
    from perfctl.cache.operating.rows import read_calls
    from perfctl.cli.user_code import cached_function

    function = cached_function(call, context=run.options.context)
    total = Preloaded("default", 0, 0, None, 0.0)
    with (
        _place(run, resume, "call", call, _absolute(args), like=args) as (start, checkpoint),
        progress_of(run, f"calling {call}") as progress,
    ):
        calls, done = read_calls(_opened(args), args, skip=start), start
        async with function:
            while chunk := list(islice(calls, _CHUNK)):
                total = _added(total, await function.preload(chunk))
                done += len(chunk)
                checkpoint.reach(done)
                if progress:
                    progress(total.loaded)
    return _judged(run, replace(total, resumed_at=start), args, hint='a line is ["AAPL"], {"symbol": "AAPL"} or "AAPL"')


def _added(first: Preloaded, second: Preloaded) -> Preloaded:
    return Preloaded(
        second.namespace,
        first.loaded + second.loaded,
        first.failed + second.failed,
        None,
        first.took_ms + second.took_ms,
        (first.rows + second.rows)[:20],
    )


async def _version(run: Run, namespace: str | None) -> int:
    """The namespace's version: where it was cleared, or the server began anew, what an earlier run wrote is gone. 0
    where this user may not know: each entry may name a namespace that it may write to."""
    try:
        return await operator_of(run).version(namespace)
    except AuthError:
        return 0


@contextmanager
def _place(
    run: Run, resume: bool, *identity: str | None, like: str | None = None, version: int = 0
) -> Iterator[tuple[int, Checkpoint]]:
    """Where to begin, and where to note how far it came; an error says how to go on."""
    from perfctl.cli.checkpoint import Checkpoint, like_of

    names = (run.settings.context, *(part or "" for part in identity))
    checkpoint = Checkpoint(*names, like=f"{like_of(Path(like)) if like is not None else ''} version {version}")
    start = checkpoint.place() if resume else 0
    if resume:
        run.terminal.say(f"going on after {start} entries" if start else "nothing to go on with: starting anew")
    try:
        yield start, checkpoint
    except PerfctlError as error:
        checkpoint.keep()
        if checkpoint.done and error.exit_code in (5, 9):
            error.hint = f"{checkpoint.done} entries are done, --resume goes on after them; {error.hint or ''}".rstrip(
                "; "
            )
        raise
    except BaseException:
        checkpoint.keep()
        if checkpoint.done:
            run.terminal.say(f"{checkpoint.done} entries are done, --resume goes on after them")
        raise
    checkpoint.forget()


def _refuse_mixed(source: str | None, query: str | None, key: str | None, call: str | None, args: str | None) -> None:
    """UsageError where not exactly one source is named, or a part of it is missing."""
    named = [name for name, said in (("FILE", source), ("--query", query), ("--call", call)) if said is not None]
    if len(named) != 1:
        raise UsageError(
            f"preload: one of FILE, --query and --call is the source, found {' and '.join(named) or 'none'}",
            hint="perfctl cache preload quotes.jsonl, or --query 'SELECT ...' --key 'user:{id}'",
        )
    if (query is None) != (key is None):
        missing = "--key" if key is None else "--query"
        raise UsageError(f"{missing} is missing: a query needs both", hint="--query 'SELECT ...' --key 'user:{id}'")
    if (call is None) != (args is None):
        missing = "--args" if args is None else "--call"
        raise UsageError(
            f"{missing} is missing: a call needs both", hint="--call app.quotes:quote --args symbols.jsonl"
        )


def _refuse_idle(
    query: str | None, value: str | None, call: str | None, namespace: str | None, ttl: str | None
) -> None:
    """UsageError for an option that the source has no use for."""
    if value is not None and query is None:
        raise UsageError(
            "--value: it goes with --query", hint="--query 'SELECT ...' --key 'user:{id}'", where="--value"
        )
    if call is None:
        return
    idle = "-n" if namespace is not None else "--ttl" if ttl is not None else None
    if idle:
        raise UsageError(
            f"{idle}: with --call the function says it: namespace and TTL are its decorator's",
            hint=f"leave {idle} out, or change the decorator",
            where=idle,
        )


def _entries(source: str, skip: int = 0) -> Iterable[Entry | BadEntry]:
    from perfctl.cache.preloading.preload import lines_of, read_file, read_lines

    if source == "-":
        return read_lines(lines_of(sys.stdin.buffer), "stdin")
    return read_file(Path(source), skip=skip)


def _refuse_unreadable(source: str) -> None:
    from perfctl.cache.preloading.preload import refuse_unreadable

    if not source:
        raise UsageError("the file's name is empty", hint="name a .jsonl file, a .yaml plan, or - for stdin")
    refuse_unreadable(Path(source))


def _absolute(file: str) -> str:
    return str(Path(file).resolve())


def _opened(file: str) -> Iterator[bytes]:
    from perfctl.cache.preloading.preload import lines_in, lines_of

    return lines_of(sys.stdin.buffer) if file == "-" else lines_in(Path(file))


def _judged(run: Run, loaded: Preloaded, source: str, *, hint: str = _LINE) -> Preloaded:
    """Exit 6 when a part was not loaded; UsageError when nothing was."""
    from perfctl.cache.preloading.preload import refuse_nothing

    refuse_nothing(loaded, source, hint=hint)
    if loaded.failed:
        run.exit(6)
    return loaded
