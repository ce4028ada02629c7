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
        "plan": "cdn_plan",
        "status": "cdn_invalidate",
        "queue status": "cdn_queue",
        "queue run": "cdn_queue",
        "queue drain": "cdn_queue",
        "queue cancel": "cdn_queue",
        "invalidations": "cdn_queue",
        **{f"logs {word}": "cdn_logs" for word in ("report", "top", "misses", "errors", "pops", "latency")},
        "stats": "cdn_logs",
        "logs generate": "cdn_simulate",
        "simulate": "cdn_simulate",
        "preload": "cdn_preload",
        "optimize": "cdn_optimize",
        "edge lint": "cdn_edge",
        "edge run": "cdn_edge",
        "edge test": "cdn_edge",
        **{f"edge {word}": "cdn_edge_deploy" for word in ("package", "deploy", "rollback")},
        "headers": "cdn_check",
        "check": "cdn_check",
        "diff": "cdn_config",
        "apply": "cdn_config",
        "doctor": "cdn_check",
        "metrics": "cdn_metrics",
    },
    below={
        "queue": "Invalidations that wait on this host, sent within CloudFront's limits.",
        "logs": "What access logs tell, and logs to try that on.",
        "edge": "Functions at the edge: lint, run, test and deploy them.",
    },
)

Distribution = Annotated[
    str | None, typer.Option("--distribution", metavar="ID", help="Another distribution, by ID or alias.")
]


def engine_of(run: Run, distribution: str | list[str] | None = None) -> CloudFrontOptimizer:
    """The CDN's engine; to name a distribution on the line is to configure one."""
    if distribution:
        run.optimizer.has_cdn = True
    return run.optimizer.cdn
