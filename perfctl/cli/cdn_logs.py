"""`perfctl cdn logs` and `cdn stats`: what the access logs tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from perfctl.cdn.model.logs import LogErrors, LogFacts, LogLatency, LogMisses, LogPlaces, LogReport, LogStats, LogTop
from perfctl.cli.cdn import group
from perfctl.cli.memory import keep_freed_memory
from perfctl.cli.moments import moment
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.units import format_counted

if TYPE_CHECKING:
    from perfctl.cdn.logs.asking import AccessLogs
    from perfctl.cdn.logs.filtering import Filter

Answer = TypeVar("Answer", bound=LogFacts)
_MEGABYTE = 1_000_000
_DEFAULT_LIMIT = 20

Places = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PLACE]...", help="Files, folders, patterns, s3://bucket/prefix, - for stdin; else those of cdn.logs."
    ),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="24h (ago), 2026-01-31 or 2026-01-31T08:00: from then on.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="The end of that time.")]
Host = Annotated[list[str] | None, typer.Option("--host", metavar="NAME", help="Only of this host; repeats.")]
PathGlob = Annotated[
    list[str] | None,
    typer.Option("--path", metavar="GLOB", help="Only of such paths, as in a behaviour: /img/*; repeats."),
]
Status = Annotated[
    list[str] | None, typer.Option("--status", metavar="STATUS", help="Only of this status, 404 or 5xx; repeats.")
]
TopBy = Literal["requests", "bytes", "misses", "time"]
TopOf = Literal["path", "url", "host", "referer", "agent", "ip", "type", "query"]
PlaceBy = Literal["pop", "city", "region"]
LatencyOf = Literal["time-taken", "time-to-first-byte"]
LatencyBy = Literal["region", "pop", "path", "status", "result", "method", "host"]


@group.command("stats", example="perfctl cdn stats --since 24h")
async def stats(
    run: Run,
    places: Places = None,
    since: Since = None,
    until: Until = None,
    host: Host = None,
    path: PathGlob = None,
    status: Status = None,
) -> LogStats:
    """The short figures of the access logs: requests, hit ratios, bytes, errors, times."""
    wanted = _filter(since, until, host, path, status)
    with _reading(run) as told:
        answer = await _logs(run).stats(places or (), wanted=wanted, told=told)
    return _judged(run, answer)


@group.command("logs report", example="perfctl cdn logs report s3://logs/cdn/ --since 24h")
async def report(
    run: Run,
    places: Places = None,
    since: Since = None,
    until: Until = None,
    host: Host = None,
    path: PathGlob = None,
    status: Status = None,
) -> LogReport:
    """Everything at a glance: hit ratios by each name they have, bytes, errors, times, regions, hours, URLs.

    Reads standard logs (v1) and v2's JSON and W3C, gzip or plain, in flat memory. Percentiles are within 0.5 %.
    """
    wanted = _filter(since, until, host, path, status)
    with _reading(run) as told:
        answer = await _logs(run).report(places or (), limit=_limit(run), wanted=wanted, told=told)
    return _judged(run, answer)


@group.command("logs top", example="perfctl cdn logs top logs/ --by misses --of url --limit 20")
async def top(
    run: Run,
    places: Places = None,
    by: Annotated[TopBy, typer.Option("--by", help="What the order is by.")] = "requests",
    of: Annotated[TopOf, typer.Option("--of", help="What is listed; a url is a path with its query string.")] = "path",
    since: Since = None,
    until: Until = None,
    host: Host = None,
    path: PathGlob = None,
    status: Status = None,
) -> LogTop:
    """List what stands for most requests, bytes, misses or time."""
    wanted = _filter(since, until, host, path, status)
    with _reading(run) as told:
        answer = await _logs(run).top(places or (), by=by, of=of, limit=_limit(run), wanted=wanted, told=told)
    return _judged(run, answer)


@group.command("logs misses", example="perfctl cdn logs misses logs/ --path '/img/*'")
async def misses(
    run: Run,
    places: Places = None,
    since: Since = None,
    until: Until = None,
    host: Host = None,
    path: PathGlob = None,
    status: Status = None,
) -> LogMisses:
    """Why requests missed the cache - query strings, cookies, short TTLs, never asked twice - and what mends it."""
    wanted = _filter(since, until, host, path, status)
    with _reading(run) as told:
        answer = await _logs(run).misses(places or (), wanted=wanted, told=told)
    return _judged(run, answer)


@group.command("logs errors", example="perfctl cdn logs errors logs/ --since 2h --status 5xx")
async def errors(
    run: Run,
    places: Places = None,
    since: Since = None,
    until: Until = None,
    host: Host = None,
    path: PathGlob = None,
    status: Status = None,
) -> LogErrors:
    """Errors by status: what the edge says of them, at which URLs and locations, in which hours."""
    wanted = _filter(since, until, host, path, status)
    with _reading(run) as told:
        answer = await _logs(run).errors(places or (), wanted=wanted, told=told)
    return _judged(run, answer)


@group.command("logs pops", example="perfctl cdn logs pops logs/ --by city")
async def pops(
    run: Run,
    places: Places = None,
    by: Annotated[PlaceBy, typer.Option("--by", help="How locations are grouped.")] = "pop",
    since: Since = None,
    until: Until = None,
    host: Host = None,
    path: PathGlob = None,
    status: Status = None,
) -> LogPlaces:
    """What each edge location (or city, or region) served, how often from its cache, and how fast."""
    wanted = _filter(since, until, host, path, status)
    with _reading(run) as told:
        answer = await _logs(run).pops(places or (), by=by, limit=_limit(run), wanted=wanted, told=told)
    return _judged(run, answer)


@group.command("logs latency", example="perfctl cdn logs latency logs/ --by path --of time-to-first-byte")
async def latency(
    run: Run,
    places: Places = None,
    by: Annotated[LatencyBy, typer.Option("--by", help="How requests are grouped.")] = "region",
    of: Annotated[LatencyOf, typer.Option("--of", help="Which time.")] = "time-taken",
    since: Since = None,
    until: Until = None,
    host: Host = None,
    path: PathGlob = None,
    status: Status = None,
) -> LogLatency:
    """How long requests took: percentiles within 0.5 %, in all and by group, and how they spread."""
    wanted = _filter(since, until, host, path, status)
    with _reading(run) as told:
        answer = await _logs(run).latency(places or (), of=of, by=by, limit=_limit(run), wanted=wanted, told=told)
    return _judged(run, answer)


def _logs(run: Run) -> AccessLogs:
    return run.optimizer.access_logs


def _limit(run: Run) -> int | None:
    return _DEFAULT_LIMIT if run.options.limit is None else run.options.limit or None


def _filter(
    since: str | None, until: str | None, host: list[str] | None, path: list[str] | None, status: list[str] | None
) -> Filter:
    from perfctl.cdn.logs.filtering import Filter

    return Filter(
        since=moment(since, "--since"),
        until=moment(until, "--until"),
        hosts=tuple(host or ()),
        paths=tuple(path or ()),
        statuses=tuple(status or ()),
    )


@contextmanager
def _reading(run: Run) -> Iterator[Callable[[int], None] | None]:
    """Progress in megabytes, as the files lie there."""
    keep_freed_memory()
    with progress_of(run, "logs, MB") as progress:
        if progress is None:
            yield None
            return
        done = 0

        def told(more: int) -> None:
            nonlocal done
            done += more
            progress(done // _MEGABYTE)

        yield told


def _judged(run: Run, answer: Answer) -> Answer:
    """Say on stderr what was passed over."""
    if answer.malformed:
        run.warn(f"{format_counted(answer.malformed, 'line')} told of no request and was passed over")
    if answer.truncated_files:
        run.warn(f"{format_counted(answer.truncated_files, 'file')} ended too early: what was there is counted")
    return answer
