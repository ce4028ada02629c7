"""Can perfctl work with this Redis? One check a right, setting and version, each with the one thing to mend."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

from perfctl.cache.address import Address
from perfctl.cache.keys import KeyLayout
from perfctl.cache.model import ServerFacts
from perfctl.cache.model.servers import NodeStats
from perfctl.cache.operating.servers import node_stats
from perfctl.cache.store import ForbiddenError, Store, Write
from perfctl.config.settings import CacheConfig, is_local
from perfctl.diagnosis import Check
from perfctl.errors import AuthError, PerfctlError
from perfctl.units import format_bytes, format_count

COMPONENT = "redis"
OLDEST = (6, 2)
"""Older servers lack commands that later versions of this cache need."""

BIG_BYTES = 1_000_000
MANY_TRACKED = 500_000
"""Half of what the server tracks at most by default."""
BLOCKING = ("KEYS", "FLUSHALL", "FLUSHDB")
_CANARY_SECONDS = 3.0
_SAMPLES = 500

_EVICTING = (
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-ttl",
    "volatile-random",
)


async def check_health(store: Store) -> list[Check]:
    """Whether the server answers and how fast; its memory, evictions, persistence and role. Never raises."""
    from perfctl.cache.operating.vitals import vitals

    connect = await _connect(store)
    if connect.status == "fail":
        return [connect]
    try:
        return [connect, *vitals(await store.info())]
    except PerfctlError as error:
        reason = f"not told: {error.message}"
        return [connect, Check(COMPONENT, "memory", "warn", reason, "ACL SETUSER <user> +info")]


async def examine(
    store: Store, layout: KeyLayout, address: Address | None, config: CacheConfig | None = None
) -> list[Check]:
    """Everything that perfctl needs of a server, in the order in which it is needed. Never raises."""
    from perfctl.cache.operating.rights import check_rights

    connect = await _connect(store, layout)
    if connect.status == "fail":
        return [connect]
    facts = await _facts(store)
    return [
        connect,
        _authentication(address),
        _tls(address),
        *_version(facts),
        Check(COMPONENT, "protocol", "pass", f"{store.protocol}, {facts.mode}, {_nodes(facts)}"),
        _memory_policy(facts),
        await _canary(store, layout),
        await _scan(store, layout),
        await check_rights(store, layout),
        await _invalidation(store, layout, config or CacheConfig()),
        *await _server_checks(store),
        await _sizes(store, layout),
        _replicas(facts),
    ]


async def _connect(store: Store, layout: KeyLayout | None = None) -> Check:
    """With the layout, the right that is missing is named, and not where to read of it."""
    started = time.perf_counter()
    try:
        await store.ping()
    except ForbiddenError as error:
        return Check(COMPONENT, "connect", "fail", error.message, _rights(error, layout) if layout else error.hint)
    except PerfctlError as error:
        return Check(COMPONENT, "connect", "fail", error.message, error.hint)
    took_ms = (time.perf_counter() - started) * 1000
    return Check(COMPONENT, "connect", "pass", f"{store.address} answers", took_ms=round(took_ms, 3))


async def _facts(store: Store) -> ServerFacts:
    try:
        return await store.facts()
    except PerfctlError:
        return ServerFacts()


def _authentication(address: Address | None) -> Check:
    if address is None or address.password or address.username:
        who = address.username or "default" if address else "nobody"
        return Check(COMPONENT, "authentication", "pass", f"as user {who}")
    if _is_loopback(address):
        return Check(COMPONENT, "authentication", "pass", "none asked, on this machine")
    fix = "set requirepass or an ACL user on the server, then cache.redis_password: {env: REDIS_PASSWORD}"
    return Check(COMPONENT, "authentication", "warn", "the server lets anybody in without a password", fix)


def _tls(address: Address | None) -> Check:
    if address is None or _is_loopback(address):
        return Check(COMPONENT, "tls", "pass", "not needed on this machine" if not (address and address.tls) else "on")
    if address.tls:
        trust = f"against {address.tls_ca}" if address.tls_ca else "against the system's authorities"
        return Check(COMPONENT, "tls", "pass", f"on, certificate and host name checked {trust}")
    return Check(
        COMPONENT, "tls", "warn", "off, and the server is on another machine", "write rediss:// in cache.redis_url"
    )


def _version(facts: ServerFacts) -> list[Check]:
    if facts.version is None:
        return [Check(COMPONENT, "version", "pass", "not told: INFO is forbidden, and not needed")]
    text = f"{facts.product} {facts.version}"
    numbers = tuple(int(part) for part in facts.version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        return [Check(COMPONENT, "version", "fail", text, "upgrade to Redis 6.2 or Valkey")]
    return [Check(COMPONENT, "version", "pass", text)]


def _memory_policy(facts: ServerFacts) -> Check:
    if facts.maxmemory_policy is None:
        return Check(COMPONENT, "maxmemory-policy", "pass", "not told: INFO is forbidden, and not needed")
    limit = format_bytes(facts.max_memory_bytes) if facts.max_memory_bytes else "no limit"
    observed = f"{facts.maxmemory_policy}, {limit}"
    if facts.maxmemory_policy in _EVICTING and facts.max_memory_bytes:
        return Check(COMPONENT, "maxmemory-policy", "pass", observed)
    consequence = "writes fail when it is full" if facts.max_memory_bytes else "it grows until the machine is full"
    fix = "CONFIG SET maxmemory 1gb and CONFIG SET maxmemory-policy allkeys-lru"
    return Check(COMPONENT, "maxmemory-policy", "warn", f"{observed}: {consequence}", fix)


async def _canary(store: Store, layout: KeyLayout) -> Check:
    """Write, read and delete a key that nobody else uses."""
    name = layout.root + b"~canary:" + uuid.uuid4().hex.encode()
    token = uuid.uuid4().bytes
    try:
        await store.set(Write(name, token, 10_000))
        fetched = await store.get(name)
        deleted = await store.delete([name])
    except PerfctlError as error:
        return Check(COMPONENT, "write, read, delete", "fail", error.message, _rights(error, layout))
    if fetched is None or fetched.blob != token or deleted != 1:
        return Check(
            COMPONENT, "write, read, delete", "fail", "what was written did not come back", "is a proxy between?"
        )
    return Check(
        COMPONENT, "write, read, delete", "pass", f"a canary under {layout.root.decode()} came back and is gone"
    )


async def _scan(store: Store, layout: KeyLayout) -> Check:
    """The rights that `cache stats` and `cache clear` need."""

    async def look() -> None:
        async for _ in store.scan(layout.root + b"~canary:"):
            return
        await store.counters(layout.counters)

    return await _allowed("scan", look, "stats and clear can look for keys", layout)


async def _allowed(check: str, call: Callable[[], Awaitable[None]], observed: str, layout: KeyLayout) -> Check:
    try:
        await call()
    except PerfctlError as error:
        return Check(COMPONENT, check, "warn", error.message, _rights(error, layout))
    return Check(COMPONENT, check, "pass", observed)


def _rights(error: PerfctlError, layout: KeyLayout) -> str | None:
    if not isinstance(error, AuthError):
        return error.hint
    return (
        f"ACL SETUSER <user> ~{layout.root.decode()}* +get +set +pttl +unlink +scan +strlen +hgetall +hincrby"
        " +hsetnx +ping +info +memory|usage"
    )


async def _invalidation(store: Store, layout: KeyLayout, config: CacheConfig) -> Check:
    """Does a write reach the processes that hold the value in memory: a canary is written, and must be announced."""
    if config.backplane == "off":
        fix = "set cache.backplane to auto"
        return Check(COMPONENT, "invalidation", "warn", "off: each process serves its own copy for up to 5 s", fix)
    from perfctl.cache.coherence.backplane import Backplane

    backplane = Backplane(config.backplane, store, layout, _Deaf(), protocol=config.protocol)
    started = time.perf_counter()
    backplane.start()
    try:
        while not backplane.is_verified and time.perf_counter() - started < _CANARY_SECONDS:
            await _pause()
        is_verified, took_ms = backplane.is_verified, round((time.perf_counter() - started) * 1000, 3)
    finally:
        await backplane.stop()
    if is_verified:
        how = "client tracking" if backplane.mode == "tracking" else "messages, for CLIENT TRACKING is not offered"
        return Check(COMPONENT, "invalidation", "pass", f"a canary was announced by {how}", took_ms=took_ms)
    observed = f"a canary was not announced within {_CANARY_SECONDS:g} s: processes serve their copies for up to 5 s"
    fix = f"ACL SETUSER <user> +client|tracking +subscribe &{layout.root.decode('utf-8', 'backslashreplace')}*"
    return Check(COMPONENT, "invalidation", "warn", observed, fix, took_ms)


async def _server_checks(store: Store) -> list[Check]:
    """The tracking table and KEYS in the slow log, of all primaries together."""
    try:
        nodes = await node_stats(store)
    except PerfctlError as error:
        return [Check(COMPONENT, "tracking table", "warn", error.message, error.hint)]
    return [_tracking(nodes), _slow_keys(nodes)]


def _tracking(nodes: Sequence[NodeStats]) -> Check:
    keys = [node.tracking_keys for node in nodes if node.tracking_keys is not None]
    prefixes = [node.tracking_prefixes for node in nodes if node.tracking_prefixes is not None]
    if not keys or not prefixes:
        return Check(COMPONENT, "tracking table", "pass", "not told: INFO is forbidden, and not needed")
    observed = f"{format_count(sum(keys))} keys, {format_count(max(prefixes))} prefixes"
    if sum(keys) < MANY_TRACKED:
        return Check(COMPONENT, "tracking table", "pass", observed)
    fix = "let other clients track with BCAST, or lower tracking-table-max-keys"
    return Check(COMPONENT, "tracking table", "warn", f"{observed}: it takes memory for each", fix)


def _slow_keys(nodes: Sequence[NodeStats]) -> Check:
    if all(node.slow_commands is None for node in nodes):
        return Check(COMPONENT, "KEYS in the slow log", "pass", "not told: SLOWLOG is forbidden, and not needed")
    slow = [command for node in nodes for command in node.slow_commands or ()]
    blocking = [command for command in slow if command.command.split()[0] in BLOCKING]
    if not blocking:
        return Check(COMPONENT, "KEYS in the slow log", "pass", f"none of {len(slow)} slow commands")
    worst = max(blocking, key=lambda command: command.slowest_ms)
    observed = f"{worst.command}: {worst.calls} times, up to {worst.slowest_ms:.0f} ms, for all clients"
    fix = "let that program use SCAN and UNLINK; ACL SETUSER <user> -keys -flushall -flushdb"
    return Check(COMPONENT, "KEYS in the slow log", "warn", observed, fix)


async def _sizes(store: Store, layout: KeyLayout) -> Check:
    """The biggest of some keys drawn at random."""
    try:
        drawn = await store.sample(_SAMPLES)
    except PerfctlError as error:
        return Check(COMPONENT, "value size", "pass", f"not looked at: {error.message}")
    ours = [facts for facts in drawn if layout.split(facts.name) is not None]
    if ours and all(facts.size_bytes is None for facts in ours):
        return Check(COMPONENT, "value size", "pass", "not told: MEMORY is forbidden, and not needed")
    biggest = max((facts.size_bytes or 0 for facts in ours), default=0)
    observed = f"the biggest of {format_count(len(ours))} takes {format_bytes(biggest)}" if ours else "no values yet"
    if biggest < BIG_BYTES:
        return Check(COMPONENT, "value size", "pass", observed)
    fix = "perfctl cache top --by big names them; cache their parts under keys of their own"
    return Check(COMPONENT, "value size", "warn", observed, fix)


class _Deaf:
    """Who listens only to know whether anything is said."""

    def changed(self, names: Sequence[bytes]) -> None:
        """Nothing to forget."""

    def everything_changed(self) -> None:
        """Nothing to forget."""

    def verified(self, is_verified: bool) -> None:
        """Asked for instead."""

    def woken(self, lock: bytes) -> None:
        """Nobody waits."""


async def _pause() -> None:
    import asyncio

    await asyncio.sleep(0.01)


def _replicas(facts: ServerFacts) -> Check:
    if facts.replicas is None:
        return Check(COMPONENT, "replicas", "pass", "not told: INFO is forbidden, and not needed")
    return Check(COMPONENT, "replicas", "pass", f"{facts.replicas} connected" if facts.replicas else "none connected")


def _nodes(facts: ServerFacts) -> str:
    return "1 node" if facts.nodes == 1 else f"{facts.nodes} primaries"


def _is_loopback(address: Address) -> bool:
    return address.path is not None or all(is_local(host) for host, _ in address.nodes)
