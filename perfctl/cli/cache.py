"""`perfctl cache`: the group, what its commands share, and `get`; the other commands stand in files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cache.model import CachedValue
from perfctl.cache.ttl import ttl_seconds
from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.operating.operator import CacheOperator

group = CommandGroup(
    "cache",
    help="Look into, clear and warm the cache.",
    parts={
        "set": "cache_keys",
        "delete": "cache_keys",
        "exists": "cache_keys",
        "ttl": "cache_keys",
        "touch": "cache_keys",
        "clear": "cache_clear",
        "preload": "cache_preload",
        "stats": "cache_look",
        "top": "cache_look",
        "inspect": "cache_look",
        "dict train": "cache_dict",
        "dict list": "cache_dict",
        "simulate": "cache_simulate",
        "check": "cache_look",
        "doctor": "cache_look",
    },
    below={"dict": "zstd dictionaries for small values."},
)

Namespace = Annotated[
    str | None, typer.Option("-n", "--namespace", metavar="NAME", help="The namespace; 'default' when left out.")
]
OnlyNamespace = Annotated[
    str | None, typer.Option("-n", "--namespace", metavar="NAME", help="Only this namespace; all when left out.")
]
Ttl = Annotated[
    str | None,
    typer.Option(
        "--ttl", metavar="DURATION", help="How long it lives: 10m, 24h, or 'never'; the default is cache.ttl_seconds."
    ),
]

Raw = Annotated[
    bool, typer.Option("--raw", help="By the whole name on the server, whoever wrote it and of whatever type.")
]


@group.command("get", example="perfctl cache get user:123 -n api")
async def get(
    run: Run, key: Annotated[str, typer.Argument(help="The key.")], namespace: Namespace = None, raw: Raw = False
) -> CachedValue:
    """Print a cached value; exit 1 when the key is absent.

    Text is printed as it is, everything else as JSON.
    """
    operator = operator_of(run)
    found = await (_raw(run, operator, key, namespace) if raw else operator.get(key, namespace=namespace))
    if not found.found:
        run.exit(1)
        _say_why(run, found)
    if found.unreadable:
        run.warn(f"{key!r} holds {found.size_bytes} bytes that cannot be read: {found.unreadable}")
    if isinstance(found.value, bytes):
        run.warn(f"{key!r} holds bytes: they are shown in base64")
    return found


def operator_of(run: Run) -> CacheOperator:
    """The operator's side of the context's cache."""
    return run.optimizer.cache.operator


def seconds_of(ttl: str | None) -> float | None:
    """A TTL as it was typed, in seconds; `inf` for never, None where nothing was typed. UsageError names --ttl."""
    return ttl_seconds(ttl, where="--ttl")


async def _raw(run: Run, operator: CacheOperator, key: str, namespace: str | None) -> CachedValue:
    refuse_namespace(True, namespace)
    found = await operator.raw_value(key)
    if found.value.found:
        tell_own(run, operator, key)
    if found.elements is not None and found.shown < found.elements:
        run.warn(f"{key!r}: the first {found.shown} of {found.elements} elements")
    return found.value


def refuse_namespace(raw: bool, namespace: str | None) -> None:
    """A whole name has no namespace: UsageError where both are given."""
    if raw and namespace is not None:
        raise UsageError(
            "--raw: a whole name has no namespace", hint="leave -n out, and write the name as the server has it"
        )


def tell_own(run: Run, operator: CacheOperator, name: str) -> None:
    """Say how a whole name is addressed that is a value of the cache: by --raw it is bytes."""
    own = operator.layout.split(name.encode("utf-8", "surrogateescape"))
    if own is not None and not own[1].startswith("~"):  # a long key's digest
        run.warn(
            f"{name!r} is the cache's key {own[1]!r} in namespace {own[0]!r}: with -n, without --raw it is decoded"
        )


def _say_why(run: Run, found: CachedValue) -> None:
    """On a terminal, why there is nothing."""
    if run.terminal.output != "table" or found.unreadable:
        return
    where = f" in namespace {found.namespace!r}" if found.namespace is not None else " on the server"
    if found.reason is None:
        run.terminal.say(f"no key {found.key!r}{where}")
    elif found.reason == "stale":
        run.terminal.say(f"{found.key!r}{where} is past its life; perfctl cache inspect shows what stands in")
    else:
        run.terminal.say(f"{found.key!r}{where} was cleared; its memory waits to be given back")
