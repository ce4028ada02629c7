"""Which commands the server lets us use: each tried on a key that nobody else has, and what its lack costs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from perfctl.cache.store import ForbiddenError
from perfctl.diagnosis import Check
from perfctl.errors import AuthError, PerfctlError, ServiceError

if TYPE_CHECKING:
    from perfctl.cache.keys import KeyLayout
    from perfctl.cache.store import Line, Store


class Need(NamedTuple):
    """A command, its arguments on a canary (`{}` stands for its name), what it is for."""

    command: str
    arguments: tuple[str, ...]
    purpose: str
    is_needed: bool = False


NEEDS: Sequence[Need] = (
    Need("SET", ("{}", "", "PX", "5000"), "every write", True),
    Need("GET", ("{}",), "every read", True),
    Need("MGET", ("{}",), "reading many at once", True),
    Need("PTTL", ("{}",), "every read", True),
    Need("PEXPIRE", ("{}", "5000"), "touch and sliding TTLs", True),
    Need("EXISTS", ("{}",), "exists", True),
    Need("GETRANGE", ("{}", "0", "7"), "clear --reclaim, stats", True),
    Need("TYPE", ("{}",), "top, --raw"),
    Need("STRLEN", ("{}",), "sizes where MEMORY is forbidden"),
    Need("EVAL", ("return 0", "1", "{}"), "locks between processes, recovery", True),
    Need("SCAN", ("0", "MATCH", "{}", "COUNT", "1"), "stats, top, clear --pattern, clear --reclaim"),
    Need("HGETALL", ("{}",), "stats"),
    Need("HINCRBY", ("{}:h", "f", "1"), "counting hits for stats"),
    Need("PUBLISH", ("{}", ""), "waking who waits for a lock; invalidation where CLIENT is forbidden"),
    Need("INFO", ("server",), "stats --server, check"),
    Need("MEMORY|USAGE", ("{}",), "sizes"),
    Need("OBJECT|IDLETIME", ("{}",), "top"),
    Need("RANDOMKEY", (), "top"),
    Need("CLIENT|ID", (), "invalidation by tracking"),
    Need("SLOWLOG|GET", ("1",), "stats --server, KEYS in the slow log"),
    Need("UNLINK", ("{}", "{}:h"), "delete, clear", True),
)


async def check_rights(store: Store, layout: KeyLayout) -> Check:
    """One check for all commands; never raises."""
    try:
        missing = await _missing(store, layout)
    except PerfctlError as error:
        return Check("redis", "rights", "warn", f"not tried: {error.message}", error.hint)
    if not missing:
        return Check("redis", "rights", "pass", f"all {len(NEEDS)} commands that perfctl uses are allowed")
    needed = [need for need in missing if need.is_needed]
    listed = ", ".join(f"{need.command} ({need.purpose})" for need in needed or missing)
    allow = " ".join(f"+{need.command.lower()}" for need in missing)
    fix = f"ACL SETUSER <user> ~{layout.root.decode('utf-8', 'backslashreplace')}* {allow}"
    return Check("redis", "rights", "fail" if needed else "warn", f"forbidden: {listed}", fix)


async def _missing(store: Store, layout: KeyLayout) -> list[Need]:
    canary = layout.root.decode("utf-8", "surrogateescape") + "~canary:" + uuid.uuid4().hex
    line = await store.line((await store.nodes())[0])
    try:
        return [need for need in NEEDS if not await _is_allowed(line, need, canary)]
    finally:
        await line.close()


async def _is_allowed(line: Line, need: Need, canary: str) -> bool:
    words = [argument.replace("{}", canary) for argument in need.arguments]
    try:
        await line.ask(*need.command.split("|"), *(word.encode("utf-8", "surrogateescape") for word in words))
    except (ForbiddenError, AuthError):
        return False
    except ServiceError as error:  # MOVED, WRONGTYPE, LFU: the server would do it elsewhere, or otherwise
        return "unknown command" not in error.message.lower() and "unknown subcommand" not in error.message.lower()
    return True
