"""`perfctl cdn headers` and `doctor`: is it well, and why is this cached or not."""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cdn.model.checks import CacheExplanation
from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.run import Run


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


@group.command("doctor", example="perfctl cdn doctor")
async def doctor(run: Run, distribution: Distribution = None) -> CdnDiagnosis:
    """Can perfctl work with this distribution?

    Who AWS says you are, which permissions are missing, a policy that grants them, and whether the distribution and
    its edge are well.
    """
    diagnosis = await engine_of(run, distribution).doctor(distribution=distribution)
    if diagnosis.status == "fail":
        run.exit(1)
    return diagnosis
