"""`perfctl cdn`: the group, and what its commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run

if TYPE_CHECKING:
    from perfctl.cdn.engine import CloudFrontOptimizer

group = CommandGroup(
    "cdn",
    help="Invalidate and check what the edge serves.",
    parts={
        "invalidate": "cdn_invalidate",
        "status": "cdn_invalidate",
        "logs generate": "cdn_simulate",
        "simulate": "cdn_simulate",
        "optimize": "cdn_optimize",
        "headers": "cdn_check",
        "doctor": "cdn_check",
    },
    below={"logs": "What access logs tell, and logs to try that on."},
)

Distribution = Annotated[
    str | None, typer.Option("--distribution", metavar="ID", help="Another distribution, by ID or alias.")
]


def engine_of(run: Run, distribution: str | list[str] | None = None) -> CloudFrontOptimizer:
    """The CDN's engine; to name a distribution on the line is to configure one."""
    if distribution:
        run.optimizer.has_cdn = True
    return run.optimizer.cdn
