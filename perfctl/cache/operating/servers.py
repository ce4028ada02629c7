"""What each node says of itself: memory, evictions, clients, replicas, its slow log; each where it may be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from perfctl.cache.model import ratio
from perfctl.cache.model.servers import NodeStats, SlowCommand
from perfctl.errors import AuthError, ServiceError

if TYPE_CHECKING:
    from perfctl.cache.store import SlowCall, Store

_Answer = TypeVar("_Answer")
_SHOWN_BYTES = 60


async def node_stats(store: Store) -> tuple[NodeStats, ...]:
    """Every primary, by its address. Raises where a node does not answer; what is forbidden is None."""
    infos = await allowed(lambda: store.info("all"))
    if infos is None:
        return tuple(NodeStats(node) for node in await store.nodes())
    slow = await allowed(store.slowlog)
    return tuple(_node(node, info, slow) for node, info in sorted(infos.items()))


async def allowed(ask: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
    """The answer; None where the server forbids the question, or does not know it."""
    try:
        return await ask()
    except (AuthError, ServiceError):
        return None


def _node(node: str, info: Mapping[str, Any], slow: list[SlowCall] | None) -> NodeStats:
    hits, misses = info.get("keyspace_hits"), info.get("keyspace_misses")
    return NodeStats(
        node=node,
        version=str(info.get("valkey_version") or info.get("redis_version") or "") or None,
        keys=_keys(info),
        used_memory_bytes=info.get("used_memory"),
        max_memory_bytes=info.get("maxmemory") or None,
        maxmemory_policy=info.get("maxmemory_policy"),
        fragmentation_ratio=info.get("mem_fragmentation_ratio"),
        evicted_keys=info.get("evicted_keys"),
        expired_keys=info.get("expired_keys"),
        hits=hits,
        misses=misses,
        hit_ratio=None if hits is None or misses is None else ratio(hits, misses),
        clients=info.get("connected_clients"),
        blocked_clients=info.get("blocked_clients"),
        tracking_clients=info.get("tracking_clients"),
        operations_per_second=info.get("instantaneous_ops_per_sec"),
        replicas=info.get("connected_slaves"),
        **_lag(info),
        slow_commands=None if slow is None else slow_commands([call for call in slow if call.node == node]),
        uptime_seconds=info.get("uptime_in_seconds"),
        tracking_keys=info.get("tracking_total_keys"),
        tracking_prefixes=info.get("tracking_total_prefixes"),
    )


def slow_commands(calls: list[SlowCall]) -> tuple[SlowCommand, ...]:
    """A slow log summed up by command, the slowest first."""
    by_command: dict[str, list[SlowCall]] = {}
    for call in calls:
        by_command.setdefault(_shown(call.words), []).append(call)
    summed = [
        SlowCommand(
            command,
            len(found),
            max(call.took_us for call in found) / 1000,
            datetime.fromtimestamp(max(call.at for call in found), UTC).isoformat(),
        )
        for command, found in by_command.items()
    ]
    return tuple(sorted(summed, key=lambda command: -command.slowest_ms))


def _shown(words: tuple[bytes, ...]) -> str:
    """The command and, where it says more, its first argument."""
    text = [word.decode("utf-8", "backslashreplace") for word in b" ".join(words[:2]).split()[:2]]
    name = text[0].upper() if text else "?"
    return " ".join([name, *text[1:]])[:_SHOWN_BYTES] if name in _TELLING else name


_TELLING = ("KEYS", "CONFIG", "CLIENT", "MEMORY", "OBJECT", "SCRIPT", "FUNCTION", "CLUSTER")


def _keys(info: Mapping[str, Any]) -> int:
    databases = [fields for name, fields in info.items() if name.startswith("db") and isinstance(fields, dict)]
    return sum(int(fields.get("keys", 0)) for fields in databases)


def _lag(info: Mapping[str, Any]) -> dict[str, Any]:
    offset = info.get("master_repl_offset")
    replicas = [fields for name, fields in info.items() if name.startswith("slave") and isinstance(fields, dict)]
    if not replicas or offset is None:
        return {"replication_lag_bytes": None, "replication_lag_seconds": None}
    return {
        "replication_lag_bytes": max(max(0, int(offset) - int(replica.get("offset", 0))) for replica in replicas),
        "replication_lag_seconds": max(float(replica.get("lag", 0)) for replica in replicas),
    }
