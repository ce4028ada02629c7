"""`perfctl cdn preload`: the edge warmed ahead of its visitors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cdn.model.preloads import PreloadReport
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.intake import taken
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cdn.engine import CloudFrontOptimizer

_MAX_URLS_BYTES = 64 * 1024 * 1024
_ENCODINGS = ("br", "gzip", "identity")


@group.command("preload", example="perfctl cdn preload --sitemap https://www.example.com/sitemap.xml --rate 50")
async def preload(
    run: Run,
    urls: Annotated[
        list[str] | None, typer.Argument(metavar="[URL]...", help="Paths, or URLs of the distribution; - reads stdin.")
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("-f", "--file", metavar="FILE", help="One a line; - is stdin.")
    ] = None,
    sitemap: Annotated[
        list[str] | None,
        typer.Option("--sitemap", metavar="URL|FILE", help="All that a sitemap lists, and those that it leads to."),
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", metavar="N", min=1, help="The N most asked for, by the access logs.")
    ] = None,
    logs: Annotated[
        list[str] | None, typer.Option("--logs", metavar="PLACE", help="Those logs, in place of cdn.logs.")
    ] = None,
    encoding: Annotated[
        list[str] | None,
        typer.Option("--encoding", metavar="NAME", help="br, gzip or identity; repeatable. By default all."),
    ] = None,
    location: Annotated[
        list[str] | None,
        typer.Option("--location", metavar="POP", help="An edge location, such as FRA56-P3; repeatable."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", metavar="N", min=1, max=256, help="Requests at once.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="N", min=0, help="At most so many requests a second; 0: any.")
    ] = None,
    distribution: Distribution = None,
) -> PreloadReport:
    """Fetch URLs through the edge in each encoding, so that the next visitor meets them there.

    Each is looked at again, and is warm where `X-Cache` says so. Only the distribution's own names are spoken to, at
    the public address that they had at first; redirects that lead elsewhere are not followed. Exit 6 when some are
    not warm.
    """
    for name in encoding or ():
        if name not in _ENCODINGS:
            raise UsageError(f"--encoding: {name!r} is none", hint=f"there are {', '.join(_ENCODINGS)}")
    engine = engine_of(run, distribution)
    wanted = await _wanted(run, engine, (urls or [], file or [], sitemap or []), (top, logs or []), distribution)
    with progress_of(run, "preloaded") as told:
        report = await engine.preload_content(
            wanted,
            encodings=encoding,
            concurrency=concurrency,
            requests_per_second=rate,
            locations=location,
            distribution=distribution,
            told=told,
        )
    _judge(run, report)
    return report


async def _wanted(
    run: Run,
    engine: CloudFrontOptimizer,
    named: tuple[list[str], list[str], list[str]],
    most: tuple[int | None, list[str]],
    distribution: str | None,
) -> list[str]:
    """Every URL that is asked for, in order. UsageError where nothing says what to preload."""
    (urls, files, sitemaps), (top, logs) = named, most
    if not (urls or files or sitemaps or top):
        raise UsageError("there is nothing to preload", hint="name URLs, or give -f FILE, --sitemap or --top N")
    wanted = [url for url in urls if url != "-"]
    for source in dict.fromkeys(([] if "-" not in urls else ["-"]) + files):
        wanted += _lines(source)
    for source in sitemaps:
        wanted += await engine.sitemap_urls(source, distribution=distribution)
    if top is not None:
        wanted += await engine.popular_urls(top, places=logs)
    if not wanted:
        run.terminal.say("nothing to preload: what was named holds no URL")
    return wanted


def _lines(source: str) -> list[str]:
    from perfctl.cdn.paths import parse_lines

    data = taken(source, at_most=_MAX_URLS_BYTES, wanted="name a file of URLs, one a line", where="--file")
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [asked.text for asked in parse_lines(lines, source=source)]


def _judge(run: Run, report: PreloadReport) -> None:
    """Exit 6 where not all is warm. UnreachableError where there was no answer at all."""
    from perfctl.cdn.preloading.fetching import refuse_silence

    refuse_silence(report)
    if report.warmed < report.requested:
        run.exit(6)
