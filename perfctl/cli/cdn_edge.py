"""`perfctl cdn edge run|test|lint`: does this function do, at CloudFront, what it should?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfctl.cdn.model.edge_functions import EdgeRun, EdgeTests
from perfctl.cli.cdn import group
from perfctl.cli.gate import FailOn, Severity, gated
from perfctl.cli.intake import taken
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cdn.edge.model import EdgeFunction

_MOST_EVENT = 2_000_000
_MOST_WARNINGS = 5

Function = Annotated[
    str, typer.Argument(metavar="FUNCTION", help="A file, a folder, or the name of a function that perfctl ships.")
]
Functions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FUNCTION]...", help="Files, folders, or names; without, those that perfctl ships."),
]
Trigger = Annotated[
    str | None, typer.Option("--trigger", metavar="NAME", help="viewer-request, origin-response ...; over its header.")
]
Runtime = Annotated[
    str | None, typer.Option("--runtime", metavar="NAME", help="cloudfront-js-2.0, nodejs, python; over its header.")
]
Handler = Annotated[
    str | None, typer.Option("--handler", metavar="NAME", help="The function's name in the source, or FILE.NAME.")
]
Store = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="Its key value store: {key: value} as JSON."),
]


@group.command(
    "edge run", example="perfctl cdn edge run rewrite.js --url '/docs/?utm_source=x' --header 'Accept: image/avif'"
)
async def run_function(
    run: Run,
    function: Function,
    event: Annotated[
        str | None, typer.Option("--event", metavar="FILE", help="The documented JSON of an event; - is stdin.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Build the event: the path that is asked for.")] = None,
    method: Annotated[str, typer.Option("--method", help="The method of the request that is built.")] = "GET",
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="'NAME: VALUE'", help="A header of the request; repeatable.")
    ] = None,
    status: Annotated[int, typer.Option("--status", help="The response's status, at response triggers.")] = 200,
    response_header: Annotated[
        list[str] | None,
        typer.Option("--response-header", metavar="'NAME: VALUE'", help="A header of the response; repeatable."),
    ] = None,
    trigger: Trigger = None,
    runtime: Runtime = None,
    handler: Handler = None,
    store: Store = None,
) -> EdgeRun:
    """Call a function with an event: what it returns, logs and costs, and every rule of CloudFront that it breaks.

    CloudFront Functions run in QuickJS with 2 MB and a time limit, Lambda@Edge in a worker of Node or Python that sees
    no variable of yours. Exit 1 where the viewer would get a 502 or a 503, with the reason.
    """
    from perfctl.cdn.edge.naming import Said, find_function
    from perfctl.cdn.edge.trying import check_event, event_of, try_function

    found = find_function(function, Said(runtime, trigger, handler, store))
    if (event is None) == (url is None):
        raise UsageError("give one of --event and --url", hint="--url / builds the event of a request for /")
    if event is not None:
        content = check_event(found, _json(event))
    else:
        request, response = _request(url or "/", method, header), _response(status, response_header)
        content = event_of(found, request, response)
    _warn_of_findings(run, found)
    ran = await try_function(found, content)
    if ran.outcome == "error":
        run.exit(1)
    return ran


@group.command("edge test", example="perfctl cdn edge test functions/")
async def run_the_tests(run: Run, functions: Functions = None) -> EdgeTests:
    """Run the tables of tests beside functions: NAME.tests.yaml, an event and what must come of it a row.

    Without a function those that perfctl ships. Exit 1 where a test fails, or takes longer than its budget.
    """
    from perfctl.cdn.edge.naming import SHIPPED, functions_in
    from perfctl.cdn.edge.testing import run_tables

    places = [place for name in functions or [str(SHIPPED)] for place in functions_in(name)]
    tests = await run_tables(places)
    if tests.failed:
        run.exit(1)
    return tests


@group.command("edge lint", example="perfctl cdn edge lint functions/ --fail-on warn --ci sarif:edge.sarif")
async def check(
    run: Run,
    functions: Functions = None,
    trigger: Trigger = None,
    runtime: Runtime = None,
    fail_on: FailOn = Severity.fail,
) -> Diagnosis:
    """Find what a function's runtime at CloudFront has not, or forbids, without running it.

    Syntax and built-ins beyond what the runtime documents, forbidden headers, sizes, triggers and runtimes that do not
    fit together; each with its file, line and column.
    """
    from perfctl.cdn.edge.linting import lint_places
    from perfctl.cdn.edge.naming import SHIPPED, Said, functions_in

    places = [place for name in functions or [str(SHIPPED)] for place in functions_in(name)]
    return gated(run, lint_places(places, Said(runtime, trigger)), fail_on)


def _warn_of_findings(run: Run, function: EdgeFunction) -> None:
    """What would fail at CloudFront, though it may well run here."""
    from perfctl.cdn.edge.linting import lint

    failed = [check for check in lint([function]).rows if check.status == "fail"]
    for check in failed[:_MOST_WARNINGS]:
        run.warn(f"{check.objects[0]}: {check.observed}")
    if len(failed) > _MOST_WARNINGS:
        source = function.source if isinstance(function.source, Path) else function.name
        run.warn(f"and {len(failed) - _MOST_WARNINGS} more: perfctl cdn edge lint {source}")


def _json(source: str) -> Any:
    wanted = "give the documented JSON of an event"
    content = taken(source, at_most=_MOST_EVENT, wanted=wanted, where="--event")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--event {source}: it is not JSON: {error}", hint=wanted, where="--event") from error


def _request(url: str, method: str, headers: list[str] | None) -> Any:
    from urllib.parse import urlsplit

    from perfctl.cdn.edge.model import EdgeRequest

    parts = urlsplit(url)
    named = _headers(headers, "--header")
    host = () if any(name.lower() == "host" for name, _ in named) else (("Host", parts.netloc or "www.example.com"),)
    return EdgeRequest(method=method, uri=parts.path or "/", querystring=parts.query, headers=host + named)


def _response(status: int, headers: list[str] | None) -> Any:
    from perfctl.cdn.edge.model import EdgeResponse

    return EdgeResponse(status=status, headers=_headers(headers, "--response-header"))


def _headers(lines: list[str] | None, flag: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for line in lines or []:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"{flag}: {line!r} is not a header", hint="'Accept: image/avif'", where=flag)
        pairs.append((name.strip(), value.strip()))
    return tuple(pairs)
