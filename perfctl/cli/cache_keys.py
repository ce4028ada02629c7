"""`perfctl cache set|delete|exists|ttl|touch`: write and look after single keys."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from perfctl.cache.model import Deleted, KeyLife, Presence, Stored, Touched
from perfctl.cli.cache import Namespace, Raw, Ttl, group, operator_of, refuse_namespace, seconds_of
from perfctl.cli.intake import taken
from perfctl.cli.run import Run
from perfctl.errors import UsageError

_MAX_VALUE_BYTES = 64 * 1024 * 1024
"""What the cache takes as one value."""
_SHOWN = 60
"""So much of a wrong value is shown."""


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
    seconds = seconds_of(ttl)
    text = _stdin_text() if value == "-" else value
    content = _parsed(text) if as_json else text
    return await operator_of(run).set(key, content, ttl=seconds, namespace=namespace)


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
    seconds = seconds_of(ttl)
    touched = await operator_of(run).touch(key, ttl=seconds, namespace=namespace)
    if not touched.found:
        run.exit(1)
    return touched


def _stdin_text() -> str:
    try:
        return taken("-", at_most=_MAX_VALUE_BYTES, wanted="cache its parts under keys of their own").decode()
    except UnicodeDecodeError as error:
        raise UsageError("stdin is not UTF-8", hint="values from the command line are text") from error


def _parsed(text: str) -> Any:
    from perfctl.cache.preloading.preload import no_constant

    try:
        return json.loads(text, parse_constant=no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        shown = repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
        raise UsageError(f"VALUE is not JSON: {error}: {shown}", hint="leave --json out to store it as text") from error


def _finite(digits: str) -> float:
    """A number that comes back as it was written; ValueError for 1e999."""
    from math import isfinite

    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"{digits} is beyond what a number holds")
    return number
