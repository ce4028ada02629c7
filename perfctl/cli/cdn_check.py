"""`perfctl cdn headers`, `check` and `doctor`: why is this cached or not, and is it well."""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cdn.model.checks import CacheExplanation
from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.gate import FailOn, Severity, gated
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis
from perfctl.errors import UsageError


@group.command("headers", example="perfctl cdn headers /index.html")
async def headers(
    run: Run,
    url: Annotated[str, typer.Argument(metavar="URL", help="A path, or a URL of the distribution.")],
    accept_encoding: Annotated[
        str, typer.Option("--accept-encoding", metavar="LIST", help="What the viewer says it can decode.")
    ] = "br, gzip",
    header: Annotated[
        list[str] | None, typer.Option("-H", "--header", metavar="'NAME: VALUE'", help="Send this, too; repeatable.")
    ] = None,
    distribution: Distribution = None,
) -> CacheExplanation:
    """Why is this cached or not? One GET through the edge, and the rules of CloudFront that apply to it, spelt out.

    Which behaviour the URL falls to and its cache policy; what the origin says, directive by directive; which rule
    gave which TTL; what of the request is in the cache key; every condition of compression; and what to change.
    Without permission to read the configuration the policy is unknown, and the rest is told.
    """
    from perfctl.cdn.checking.looking import request_headers

    return await engine_of(run, distribution).explain(
        url, accept_encoding=accept_encoding, headers=request_headers(header or []), distribution=distribution
    )


@group.command("check", example="perfctl cdn check www.example.com --fail-on warn --ci sarif:cdn.sarif")
async def check(
    run: Run,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[URL|DISTRIBUTION]", help="One URL or path; else a distribution's ID or alias."),
    ] = None,
    url: Annotated[
        list[str] | None, typer.Option("--url", metavar="URL", help="Look at this page, too; repeatable.")
    ] = None,
    pages: Annotated[
        int,
        typer.Option(
            "--pages", metavar="N", min=0, max=50, help="Pages to look at: the root and what it links to; 0: none."
        ),
    ] = 10,
    distribution: Distribution = None,
    fail_on: FailOn = Severity.fail,
) -> Diagnosis:
    """Is the distribution in good shape? Its configuration and some pages; each finding with what mends it.

    Looked for: content that is kept although it is private, what is kept too short or too long, compression that does
    not happen, cache keys that split by visitor, slow failover, behaviours that no request reaches, logs and metrics
    that are off. Pages are asked for through the edge, twice each, and only under the distribution's own names.

    With a URL or path only its answer is judged: RFC 9111's traps, validators, cookies, compression. A row that is
    `off` was not judged, or is a matter of taste.
    """
    if target is not None and (target.startswith("/") or "://" in target):
        if url:
            raise UsageError("--url goes with a distribution", hint="name one URL, or a distribution with --url")
        return gated(run, await engine_of(run, distribution).check_url(target, distribution=distribution), fail_on)
    if target and distribution:
        raise UsageError(f"two distributions: {target!r} and --distribution {distribution!r}", hint="name one of them")
    named = target or distribution
    engine = engine_of(run, named)
    try:
        diagnosis = await engine.check_distribution(distribution=named, urls=url or (), pages=pages)
    except UsageError as error:
        if target and error.where == "--distribution":
            error.where = "the argument DISTRIBUTION"
        raise
    return gated(run, diagnosis, fail_on)


@group.command("doctor", example="perfctl cdn doctor")
async def doctor(
    run: Run,
    area: Annotated[
        list[str] | None,
        typer.Option(
            "--for", metavar="AREA", help="invalidate, alias, check, apply, logs, metrics, deploy; repeatable."
        ),
    ] = None,
    distribution: Distribution = None,
) -> CdnDiagnosis:
    """Can perfctl work with this distribution?

    Who AWS says you are and by which profile or role, which permissions are missing for which commands, the least
    policy that grants them, where the access logs go, and whether the distribution and its edge are well. Permissions
    are tried by calls that cost and change nothing.
    """
    diagnosis = await engine_of(run, distribution).doctor(distribution=distribution, areas=area or ())
    if diagnosis.status == "fail":
        run.exit(1)
    return diagnosis
