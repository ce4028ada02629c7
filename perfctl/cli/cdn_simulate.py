"""`perfctl cdn simulate`: what another configuration would have hit, from access logs; and logs to try it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cdn.model.simulation import CdnSimulation, Corpus
from perfctl.cli.cdn import engine_of, group
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from perfctl.cdn.simulating.wanted import Wanted

_MOST_LINES = 100_000_000


class Form(StrEnum):
    """The forms of standard logs."""

    v1 = "v1"
    v2_json = "v2-json"
    v2_w3c = "v2-w3c"


@group.command("simulate", example="perfctl cdn simulate logs/ --ttl 5m --ttl 1h --drop-query 'utm_*'")
async def simulate(
    run: Run,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PLACE]...", help="Access logs: files, folders, s3://bucket/prefix, - for stdin."),
    ] = None,
    ttl: Annotated[
        list[str] | None,
        typer.Option(
            "--ttl",
            metavar="DURATION|PATTERN=DURATION",
            help="A TTL for all that is cached, a row each; or for the paths of a pattern, in every row. Repeats.",
        ),
    ] = None,
    min_ttl: Annotated[
        str | None, typer.Option("--min-ttl", metavar="DURATION", help="No TTL shorter than this.")
    ] = None,
    max_ttl: Annotated[
        str | None, typer.Option("--max-ttl", metavar="DURATION", help="No TTL longer than this.")
    ] = None,
    drop_query: Annotated[
        list[str] | None,
        typer.Option(
            "--drop-query", metavar="NAME|all", help="Leave a parameter (utm_* for some) out of the key. Repeats."
        ),
    ] = None,
    keep_query: Annotated[
        list[str] | None,
        typer.Option("--keep-query", metavar="NAME", help="Leave all other parameters out of the key. Repeats."),
    ] = None,
    ignore_cookies: Annotated[
        bool, typer.Option("--ignore-cookies", help="Leave cookies out of the key, if they are in it.")
    ] = False,
    shield: Annotated[
        str | None,
        typer.Option("--shield", metavar="REGION|auto", help="With Origin Shield there; auto: where most is asked."),
    ] = None,
) -> CdnSimulation:
    """Replay access logs under other TTLs, cache keys or Origin Shield: hit ratio, origin requests, dollars.

    First the log itself is replayed: where its caches stand, their key and TTLs are found from its hits and misses,
    and the residual tells how far that replay is off. Without options some usual changes are tried. What the log
    never hit stays uncached, but under a pattern that names it. Nothing is changed.
    """
    wanted = _wanted(ttl, min_ttl, max_ttl, drop_query, keep_query, ignore_cookies, shield)
    run.optimizer.has_cdn = True
    with _reading(run) as (read, replaying):
        result = await engine_of(run).simulate(places or (), wanted, read=read, replaying=replaying)
    if result.malformed:
        run.warn(f"{result.malformed} lines of the logs are no request: they are left out")
    if result.has_shield:
        run.warn("the log shows hits of Origin Shield: what is told of a Shield comes on top of one that is there")
    if result.undated:
        run.warn(f"{result.undated} requests have no date: they are not replayed")
    return result


@group.command("logs generate", example="perfctl cdn logs generate made-logs --lines 1000000")
def generate(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; it is made if need be.")],
    lines: Annotated[int, typer.Option("--lines", metavar="N", min=1, max=_MOST_LINES, help="Requests.")] = 100_000,
    urls: Annotated[int, typer.Option("--urls", metavar="N", min=8, max=10_000_000, help="URLs, about.")] = 20_000,
    hours: Annotated[str, typer.Option("--span", metavar="DURATION", help="The time that they tell of.")] = "8h",
    form: Annotated[Form, typer.Option("--form", help="Of the lines; all are gzip files.")] = Form.v1,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same bytes for the same number.")] = 1,
    ttl: Annotated[
        str | None, typer.Option("--ttl", metavar="DURATION", help="One TTL for all that is cached.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Add to made-up logs that are there; files of the same names are replaced.")
    ] = False,
) -> Corpus:
    """Make up realistic access logs, to try reports and simulations on.

    A shop's requests from 30 edge locations, with query strings of campaigns, cookies, errors and bots; hits and
    misses come from a true replay of one cache at each location. A folder that holds made-up
    logs already takes more only with --force.
    """
    from perfctl.cdn.generating import is_made_up, write_corpus

    span = parse_duration(hours, where="--span") / 3600
    if not span:
        raise UsageError("--span: 0 is no time", hint="such as 8h", where="--span")
    if not force and is_made_up(folder):
        raise UsageError(
            f"{str(folder)!r} holds made-up logs already", hint="name another folder, or add to them with --force"
        )
    with progress_of(run, "lines", lines) as told:
        return write_corpus(
            folder,
            lines=lines,
            urls=urls,
            hours=span,
            seed=seed,
            form=form.value,
            ttl_seconds=None if ttl is None else parse_duration(ttl, where="--ttl"),
            told=told,
        )


def _wanted(
    ttl: list[str] | None,
    min_ttl: str | None,
    max_ttl: str | None,
    drop_query: list[str] | None,
    keep_query: list[str] | None,
    ignore_cookies: bool,
    shield: str | None,
) -> Wanted:
    from perfctl.cdn.simulating.queries import QueryRule
    from perfctl.cdn.simulating.wanted import Wanted, checked_region

    plain = [text for text in ttl or () if "=" not in text]
    ruled = [text.rpartition("=") for text in ttl or () if "=" in text]
    wanted = Wanted(
        ttls_seconds=tuple(dict.fromkeys(parse_duration(text, where="--ttl") for text in plain)),
        patterns=tuple((pattern, parse_duration(text, where="--ttl")) for pattern, _, text in ruled),
        min_ttl_seconds=0.0 if min_ttl is None else parse_duration(min_ttl, where="--min-ttl"),
        max_ttl_seconds=None if max_ttl is None else parse_duration(max_ttl, where="--max-ttl"),
        query=QueryRule(tuple(drop_query or ()), tuple(keep_query or ())),
        ignores_cookies=ignore_cookies,
        shield=checked_region(shield),
    )
    if any(not pattern for pattern, _ in wanted.patterns):
        raise UsageError("--ttl: there is no pattern before '='", hint="such as '/img/*=1d'", where="--ttl")
    if wanted.max_ttl_seconds is not None and wanted.max_ttl_seconds < wanted.min_ttl_seconds:
        raise UsageError("--max-ttl is below --min-ttl", where="--max-ttl")
    return wanted


@contextmanager
def _reading(run: Run) -> Iterator[tuple[Callable[[int], None] | None, Callable[[int, int], None] | None]]:
    """Progress: megabytes that are read, then requests that are replayed."""
    with progress_of(run, "reading and replaying, MB and then requests") as told:
        if told is None:
            yield None, None
            return
        total = 0

        def read(more: int) -> None:
            nonlocal total
            total += more
            told(total // 1_000_000)

        yield read, lambda done, _of: told(done)
