"""`perfctl cdn headers` and `doctor`: is it well, and why is this cached or not."""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.run import Run


@group.command("headers", example="perfctl cdn headers /index.html")
async def headers(
    run: Run,
    url: Annotated[str, typer.Argument(metavar="URL", help="A path, or a URL of the distribution.")],
    accept_encoding: Annotated[
        str, typer.Option("--accept-encoding", metavar="LIST", help="What the viewer says it can decode.")
    ] = "br, gzip",
    distribution: Distribution = None,
) -> EdgeAnswer:
    """GET a URL through the edge: hit or miss, its age, its encoding."""
    return await engine_of(run, distribution).probe(url, accept_encoding=accept_encoding, distribution=distribution)


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
