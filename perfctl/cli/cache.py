"""`perfctl cache`: read, write and look after single keys; the other commands stand in files of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfctl.cache.model import CachedValue, Deleted, KeyLife, Presence, Stored, Touched
from perfctl.cli.command import CommandGroup
from perfctl.cli.intake import taken
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from perfctl.cache.operator import CacheOperator

_MAX_VALUE_BYTES = 64 * 1024 * 1024
"""What the cache takes as one value."""

group = CommandGroup(
    "cache",
    help="Look into, clear and warm the cache.",
    parts={
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
        run.warn(f"{key!r} holds {found.size_bytes} bytes that perfctl did not write: {found.unreadable}")
    return found


@group.command("set", example='perfctl cache set user:123 \'{"name": "Ada"}\' --json --ttl 10m')
async def set_value(
    run: Run,
    key: Annotated[str, typer.Argument(help="The key.")],
    value: Annotated[str, typer.Argument(help="The value; - reads it from stdin.")],
    namespace: Namespace = None,
    ttl: Ttl = None,
    as_json: Annotated[bool, typer.Option("--json", help="The value is JSON, not text.")] = False,
) -> Stored:
    """Write a value.

    It is text or, with --json, the structure that the JSON describes.
    """
    run.refuse_when_read_only("cache set")
    text = _stdin_text() if value == "-" else value
    return await operator_of(run).set(key, _parsed(text) if as_json else text, ttl=seconds_of(ttl), namespace=namespace)


@group.command("delete", example="perfctl cache delete user:123 user:124 -n api")
async def delete(
    run: Run,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="The keys.")],
    namespace: Namespace = None,
) -> Deleted:
    """Delete keys by name.

    Keys that are not there are counted, and no error.
    """
    run.refuse_when_read_only("cache delete")
    return await operator_of(run).delete(keys, namespace=namespace)


@group.command("exists", example="perfctl cache exists user:123 -n api && echo warm")
async def exists(
    run: Run,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="The keys.")],
    namespace: Namespace = None,
) -> Presence:
    """Would these keys be hits? Exit 1 when one would not.

    What was cleared and what is past its life is absent.
    """
    presence = await operator_of(run).exists(keys, namespace=namespace)
    if presence.absent:
        run.exit(1)
    return presence


@group.command("ttl", example="perfctl cache ttl user:123 -n api")
async def ttl(
    run: Run, key: Annotated[str, typer.Argument(help="The key.")], namespace: Namespace = None, raw: Raw = False
) -> KeyLife:
    """Print what is left of a key's life, and of its stale reserve; exit 1 when it is absent."""
    operator = operator_of(run)
    refuse_namespace(raw, namespace)
    life = await (operator.raw_ttl(key) if raw else operator.ttl(key, namespace=namespace))
    if not life.found:
        run.exit(1)
    return life


@group.command("touch", example="perfctl cache touch user:123 -n api --ttl 1h")
async def touch(
    run: Run,
    key: Annotated[str, typer.Argument(help="The key.")],
    namespace: Namespace = None,
    ttl: Ttl = None,
) -> Touched:
    """Give a key a new life from now on; exit 1 when it is absent."""
    run.refuse_when_read_only("cache touch")
    touched = await operator_of(run).touch(key, ttl=seconds_of(ttl), namespace=namespace)
    if not touched.found:
        run.exit(1)
    return touched


def operator_of(run: Run) -> CacheOperator:
    """The operator's side of the context's cache."""
    return run.optimizer.cache.operator


def seconds_of(ttl: str | None) -> float | None:
    """A TTL as it was typed, in seconds; `inf` for never, None where nothing was typed. UsageError names --ttl."""
    if ttl is None:
        return None
    if ttl == "never":
        return float("inf")
    seconds = parse_duration(ttl, where="--ttl")
    if not seconds > 0:
        raise UsageError(f"--ttl: {ttl!r} is not above 0", hint="write 'never' for a value that does not expire")
    return seconds


async def _raw(run: Run, operator: CacheOperator, key: str, namespace: str | None) -> CachedValue:
    refuse_namespace(True, namespace)
    found = await operator.raw_value(key)
    if found.elements is not None and found.shown < found.elements:
        run.warn(f"{key!r}: the first {found.shown} of {found.elements} elements")
    return found.value


def refuse_namespace(raw: bool, namespace: str | None) -> None:
    """A whole name has no namespace: UsageError where both are given."""
    if raw and namespace is not None:
        raise UsageError(
            "--raw: a whole name has no namespace", hint="leave -n out, and write the name as the server has it"
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


def _stdin_text() -> str:
    try:
        return taken("-", at_most=_MAX_VALUE_BYTES, wanted="cache its parts under keys of their own").decode()
    except UnicodeDecodeError as error:
        raise UsageError("stdin is not UTF-8", hint="values from the command line are text") from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"VALUE is not JSON: {error}", hint="leave --json out to store it as text") from error
