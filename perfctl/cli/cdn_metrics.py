"""`perfctl cdn metrics`: what CloudWatch has measured of a distribution, or of a CloudFront Function."""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cdn.model.measures import CdnMetrics
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.units import parse_duration


@group.command("metrics", example="perfctl cdn metrics --since 24h --period 15m")
async def metrics(
    run: Run,
    since: Annotated[str, typer.Option("--since", metavar="DURATION", help="Of the last so long.")] = "3h",
    period: Annotated[
        str | None, typer.Option("--period", metavar="DURATION", help="Of each value; by default about 180 of them.")
    ] = None,
    function: Annotated[
        str | None, typer.Option("--function", metavar="NAME", help="Of a CloudFront Function, by its name.")
    ] = None,
    distribution: Distribution = None,
) -> CdnMetrics:
    """Show what CloudWatch has measured: requests, bytes, errors, hit ratio, the origin's latency.

    Hit ratio, latency and errors by status are additional metrics, which a distribution has when they are switched on
    (they cost extra). What was not measured is null with its reason, never 0. CloudWatch is asked in us-east-1.
    """
    if function == "":
        raise UsageError("--function: the name is empty", where="--function")
    return await engine_of(run, distribution).measure(
        since_seconds=parse_duration(since, where="--since"),
        period_seconds=None if period is None else parse_duration(period, where="--period"),
        function=function,
        distribution=distribution,
    )
