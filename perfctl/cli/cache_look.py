"""`perfctl cache stats|doctor`: what the cache on the server is like."""

from __future__ import annotations

from perfctl.cache.model import SharedStats
from perfctl.cli.cache import Namespace, group, operator_of
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis, diagnose


@group.command("stats", example="perfctl cache stats -n api")
async def stats(run: Run, namespace: Namespace = None) -> SharedStats:
    """Keys, bytes and hit ratio by namespace.

    Hits and misses are what all processes that use the cache counted; looking with perfctl is not.
    """
    return await operator_of(run).stats(namespace)


@group.command("doctor", example="perfctl cache doctor")
async def doctor(run: Run) -> Diagnosis:
    """Can perfctl work with this Redis? Exit 1 when it cannot."""
    diagnosis = diagnose(await run.optimizer.cache.doctor())
    if diagnosis.status == "fail":
        run.exit(1)
    return diagnosis
