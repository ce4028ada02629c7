"""`perfctl cache stats|top|inspect|check|doctor`: what the cache on the server is like."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from perfctl.cache.model import SharedStats
from perfctl.cache.model.look import Inspected, TopKeys
from perfctl.cli.cache import Namespace, OnlyNamespace, Raw, group, operator_of, refuse_namespace, tell_own
from perfctl.cli.gate import FailOn, Severity, gated
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis, diagnose
from perfctl.errors import UsageError
from perfctl.units import parse_duration

_SHOWN = 20
MAX_MONITOR_SECONDS = 60.0


class Ranking(StrEnum):
    """What a ranking is by."""

    hot = "hot"
    big = "big"
    no_ttl = "no-ttl"


@group.command("stats", example="perfctl cache stats -n api")
async def stats(
    run: Run,
    namespace: OnlyNamespace = None,
    server: Annotated[
        bool, typer.Option("--server", help="By node: memory, fragmentation, evictions, clients, lag, slow log.")
    ] = False,
) -> SharedStats:
    """Keys, bytes and hit ratio by namespace.

    Hits and misses are what all processes that use the cache counted; looking with perfctl is not.
    """
    return await operator_of(run).stats(namespace, with_nodes=server)


@group.command("top", example="perfctl cache top --by big -n api")
async def top(
    run: Run,
    by: Annotated[Ranking, typer.Option("--by", help="The hottest, the biggest, or those that never expire.")] = (
        Ranking.hot
    ),
    namespace: OnlyNamespace = None,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=1, max=1_000_000, help="How many keys to look at.")
    ] = 1000,
    raw: Annotated[bool, typer.Option("--raw", help="Also keys that perfctl did not write.")] = False,
    monitor: Annotated[
        str | None,
        typer.Option("--monitor", metavar="DURATION", help="Count commands with MONITOR instead, for up to 60s."),
    ] = None,
) -> TopKeys:
    """The hottest, biggest or immortal keys, from a sample that other clients do not feel.

    It says how the sample was drawn. --monitor counts every command for a while, and slows the server meanwhile.
    """
    count = run.options.limit if run.options.limit is not None else _SHOWN
    if monitor is not None:
        _refuse_narrowed(by, namespace, raw)
        seconds = _bounded(monitor)
        run.refuse_when_read_only("cache top --monitor")
        return await operator_of(run).monitored(seconds, count=count or samples)
    return await operator_of(run).top(
        by.value, namespace=namespace, is_raw=raw, samples=samples, count=count or samples
    )


@group.command("inspect", example="perfctl cache inspect user:123 -n api")
async def inspect(
    run: Run, key: Annotated[str, typer.Argument(help="The key.")], namespace: Namespace = None, raw: Raw = False
) -> Inspected:
    """Take one key apart: codec, dictionary, ratio, life, tags, value; exit 1 when it is absent.

    What was cleared and what is past its life is shown, too, and said to be so.
    """
    operator = operator_of(run)
    refuse_namespace(raw, namespace)
    seen = await (operator.raw(key) if raw else operator.inspect(key, namespace=namespace))
    if raw and seen.found:
        tell_own(run, operator, key)
    if not seen.found:
        run.exit(1)
        if run.terminal.output == "table":
            run.terminal.say(f"no key {key!r}" + ("" if raw else f" in namespace {seen.namespace!r}"))
    return seen


@group.command("check", example="perfctl cache check --fail-on warn --ci github")
async def check(run: Run, namespace: OnlyNamespace = None, fail_on: FailOn = Severity.fail) -> Diagnosis:
    """Is the cache in good shape? Findings, each with the one thing to mend; exit 1 when one fails.

    Hit ratio, keys without a TTL, big values, mixed codecs, evictions, memory, fragmentation, what was cleared and not
    given back, dictionaries that do not pay.
    """
    return gated(run, diagnose(await operator_of(run).check(namespace)), fail_on)


@group.command("doctor", example="perfctl cache doctor")
async def doctor(run: Run) -> Diagnosis:
    """Can perfctl work with this Redis? Exit 1 when it cannot."""
    diagnosis = diagnose(await run.optimizer.cache.doctor())
    if diagnosis.status == "fail":
        run.exit(1)
    return diagnosis


def _refuse_narrowed(by: Ranking, namespace: str | None, raw: bool) -> None:
    """MONITOR tells of all keys alike: UsageError for what would choose among them."""
    idle = "-n" if namespace is not None else "--raw" if raw else f"--by {by.value}" if by is not Ranking.hot else None
    if idle:
        raise UsageError(
            f"--monitor: it counts the commands on all keys, and has no use for {idle}",
            hint=f"leave {idle} out, or rank a sample without --monitor",
            where="--monitor",
        )


def _bounded(monitor: str) -> float:
    seconds = parse_duration(monitor, where="--monitor")
    if not 0 < seconds <= MAX_MONITOR_SECONDS:
        raise UsageError(
            f"--monitor: {monitor!r} is not above 0 and up to {MAX_MONITOR_SECONDS:g}s",
            hint="such as 5s",
            where="--monitor",
        )
    return seconds
