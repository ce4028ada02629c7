"""Is a Redis server well: memory, evictions, persistence, role; from INFO to the one thing to mend, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perfctl.diagnosis import Check, Status
from perfctl.units import format_bytes, format_count

_COMPONENT = "redis"
_NEARLY_FULL, _FULL = 0.9, 0.98
_MANY_EVICTED = 0.05
"""Of all keys that were looked up and found: so many went before their time."""
_ORDER: dict[Status, int] = {"off": 0, "pass": 1, "warn": 2, "fail": 3}

Info = Mapping[str, Any]


def vitals(nodes: Mapping[str, Info]) -> list[Check]:
    """The worst of each check over all nodes; the node is named where there are several."""
    found: list[Check] = []
    for check in CHECKS:
        worst = max(((check(info), node) for node, info in nodes.items()), key=lambda each: _ORDER[each[0].status])
        found.append(worst[0] if len(nodes) == 1 else _of_node(worst[0], worst[1]))
    return found


def _of_node(check: Check, node: str) -> Check:
    from dataclasses import replace

    return check if check.status == "pass" else replace(check, observed=f"{node}: {check.observed}", objects=(node,))


def memory(info: Info) -> Check:
    """What is used of maxmemory; where nothing may be evicted a full server refuses writes."""
    used, most = _number(info, "used_memory"), _number(info, "maxmemory")
    if not most:
        return Check(_COMPONENT, "memory", "pass", f"{format_bytes(used)} used, no maxmemory", value=used, unit="bytes")
    share = used / most
    refuses = info.get("maxmemory_policy") == "noeviction"
    limit = _FULL if share >= _FULL else _NEARLY_FULL
    status: Status = "pass" if share < _NEARLY_FULL or not refuses else "fail" if share >= _FULL else "warn"
    observed = f"{format_bytes(used)} of {format_bytes(most)} used, {info.get('maxmemory_policy', 'policy not told')}"
    fix = None if status == "pass" else "raise maxmemory, or CONFIG SET maxmemory-policy allkeys-lfu"
    return Check(_COMPONENT, "memory", status, observed, fix, value=round(share, 4), unit="ratio", threshold=limit)


def evictions(info: Info) -> Check:
    """How many keys went because there was no room, against those that were found."""
    evicted, hits = _number(info, "evicted_keys"), _number(info, "keyspace_hits")
    share = evicted / max(evicted + hits, 1.0)
    is_many = share >= _MANY_EVICTED
    return Check(
        _COMPONENT,
        "evictions",
        "warn" if is_many else "pass",
        f"{format_count(evicted)} keys evicted, {format_count(hits)} found",
        "raise maxmemory, or lower TTLs: perfctl cache stats" if is_many else None,
        value=evicted,
        unit="count",
    )


def persistence(info: Info) -> Check:
    """Whether the last snapshot and the append-only file were written."""
    if _number(info, "loading"):
        return Check(_COMPONENT, "persistence", "warn", "loading its data: it answers when it is done", "wait")
    broken = [what for field, what in _WRITES.items() if info.get(field) not in (None, "ok")]
    if broken:
        fix = "make room and check rights in the server's dir (CONFIG GET dir); its log names the reason"
        return Check(_COMPONENT, "persistence", "fail", f"{' and '.join(broken)} failed", fix)
    is_appending = "on" if _number(info, "aof_enabled") else "off"
    return Check(_COMPONENT, "persistence", "pass", f"last snapshot ok, append-only file {is_appending}")


_WRITES = {
    "rdb_last_bgsave_status": "the last snapshot",
    "aof_last_write_status": "writing the append-only file",
    "aof_last_bgrewrite_status": "rewriting the append-only file",
}


def role(info: Info) -> Check:
    """Whether it takes writes, and whether a replica hears from its primary."""
    if info.get("role") != "slave":
        replicas = int(_number(info, "connected_slaves"))
        return Check(_COMPONENT, "role", "pass", f"primary, {replicas} replica{'' if replicas == 1 else 's'}")
    primary = f"{info.get('master_host')}:{info.get('master_port')}"
    if info.get("master_link_status") != "up":
        fix = f"is {primary} up, and does it let this replica in (masterauth)?"
        return Check(_COMPONENT, "role", "fail", f"a replica that does not hear from its primary {primary}", fix)
    fix = f"point cache.redis_url to {primary}, or set cache.sentinel_enabled"
    return Check(_COMPONENT, "role", "warn", f"a replica of {primary}: it takes no writes", fix)


CHECKS: tuple[Callable[[Info], Check], ...] = (memory, evictions, persistence, role)
"""What is looked at, in this order."""


def _number(info: Info, field: str) -> float:
    value = info.get(field, 0)
    return float(value) if isinstance(value, int | float) else 0.0
