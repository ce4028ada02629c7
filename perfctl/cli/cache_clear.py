"""`perfctl cache clear`: forget what belongs together."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from perfctl.cache.model import Cleared
from perfctl.cli.cache import Namespace, Raw, group, operator_of, refuse_namespace
from perfctl.cli.planner import DryRun, MaxAffected, Plan, confirm
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError


@group.command("clear", example="perfctl cache clear api --dry-run")
async def clear(
    run: Run,
    target: Annotated[
        str | None, typer.Argument(metavar="[NAMESPACE]", help="The namespace to empty.", show_default=False)
    ] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", metavar="TAG", help="Clear what carries this tag, in the namespace of -n.")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", metavar="GLOB", help="Delete the keys that match, such as 'user:*', in -n."),
    ] = None,
    namespace: Namespace = None,
    raw: Raw = False,
    reclaim: Annotated[
        bool, typer.Option("--reclaim", help="Give the memory back, too, before the command ends.")
    ] = False,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="KEYS", help="Delete at most so many keys a second.")
    ] = None,
    dry_run: DryRun = False,
    max_affected: MaxAffected = None,
) -> Cleared:
    """Clear a namespace, a tag, or the keys that match a pattern.

    A namespace and a tag are cleared at once, however many keys they have: nobody is served them any more. Their
    memory is given back by an application that runs, by --reclaim, or when they expire; --reclaim alone gives back
    what earlier clears of -n left. A pattern deletes key by key; with --raw it is a pattern of whole names, for keys
    of any type that perfctl did not write.
    """
    _refuse_contradictions(target, namespace, pattern, raw=raw, reclaim=reclaim, rate=rate)
    if reclaim and target is None and tag is None and pattern is None:
        return await _given_back(run, namespace or "default", rate, dry_run)
    from perfctl.cache.operating.scope import ClearScope

    _refuse_unclear(target, tag, pattern)
    scope = ClearScope(operator_of(run), target or namespace or "default", tag, pattern, raw)
    action = scope.action
    if not dry_run:
        run.refuse_when_read_only(action)
    if target is not None and not dry_run and max_affected is None and run.options.yes and not run.settings.protected:
        from perfctl.cache.operating.clearing import clear_at_once

        with progress_of(run, action) as progress:
            return await clear_at_once(operator_of(run), target, reclaim=reclaim, rate=rate, on_progress=progress)
    size = await scope.measured()
    if dry_run:
        return scope.planned(size)
    if size.keys:
        noun = "key" if size.keys == 1 else "keys"
        confirm(run, Plan(action, size.keys, noun, size.size_bytes, size.samples), max_affected=max_affected)
    with progress_of(run, action, size.keys + size.garbage) as progress:
        return await scope.cleared(size, reclaim=reclaim, rate=rate, on_progress=progress)


async def _given_back(run: Run, namespace: str, rate: float | None, dry_run: bool) -> Cleared:
    """What earlier clears left. Nobody is served it, so there is nothing to confirm."""
    from perfctl.cache.operating.census import measure
    from perfctl.cache.operating.clearing import planned, reclaimed

    operator = operator_of(run)
    if not dry_run:
        run.refuse_when_read_only(f"reclaim namespace {namespace!r}")
    size = await measure(operator, namespace)
    if dry_run:
        return replace(planned(size), keys=0, size_bytes=0, samples=(), only_reclaims=True)
    with progress_of(run, f"reclaiming {namespace}", size.garbage) as progress:
        return await reclaimed(operator, namespace, rate=rate, on_progress=progress)


def _refuse_contradictions(
    target: str | None, namespace: str | None, pattern: str | None, *, raw: bool, reclaim: bool, rate: float | None
) -> None:
    """UsageError for what would be passed over: another namespace in -n, --raw or --rate without their work."""
    if target is not None and namespace is not None and namespace != target:
        raise UsageError(
            f"clear: NAMESPACE {target!r} and -n {namespace!r} name two namespaces",
            hint="leave -n out; it goes with --tag, --pattern and --reclaim",
            where="-n",
        )
    if raw and pattern is None:
        raise UsageError("--raw: it goes with --pattern", hint="cache clear --pattern 'session:*' --raw", where="--raw")
    refuse_namespace(raw, namespace)
    if rate is None:
        return
    if not rate > 0:
        raise UsageError(f"--rate: {rate:g} is not above 0", hint="such as --rate 10000", where="--rate")
    if pattern is None and not reclaim:
        raise UsageError(
            "--rate: it paces --pattern and --reclaim, and neither is here",
            hint="leave it out, a namespace and a tag are cleared at once; or add --reclaim",
            where="--rate",
        )


def _refuse_unclear(target: str | None, tag: str | None, pattern: str | None) -> None:
    """UsageError where not exactly one thing is named."""
    named = [word for word in (target, tag, pattern) if word is not None]
    if len(named) != 1:
        found = "nothing" if not named else " and ".join(repr(word) for word in named)
        raise UsageError(
            f"clear: one of NAMESPACE, --tag and --pattern is to be cleared, found {found}",
            hint="perfctl cache clear api, or perfctl cache clear --tag user:7 -n api",
        )
    if not named[0]:
        what = "the namespace" if target is not None else "the tag" if tag is not None else "the pattern"
        raise UsageError(f"{what} is empty", hint="such as api, --tag user:7 or --pattern 'user:*'")
