"""What servers say of themselves, as plain facts."""

from __future__ import annotations

from typing import Any

from perfctl.cache.model import ServerFacts
from perfctl.cache.store import SlowCall


def slow_call(node: str, row: Any) -> SlowCall:
    """One line of SLOWLOG GET, as redis-py parses it."""
    client = row.get("client_address", b"")
    words = row["command"]
    return SlowCall(
        node,
        at=int(row["start_time"]),
        took_us=int(row["duration"]),
        words=tuple(words) if isinstance(words, list) else (words,),
        client=client.decode() if isinstance(client, bytes) else str(client),
    )


def server_facts(mode: str, answers: list[dict[str, Any]]) -> ServerFacts:
    """What the INFOs of all primaries say together."""
    first = answers[0]
    product = "Valkey" if "valkey_version" in first else "Redis"
    return ServerFacts(
        product=product,
        version=str(first.get("valkey_version") or first.get("redis_version") or "") or None,
        mode=mode,
        used_memory_bytes=sum(answer.get("used_memory", 0) for answer in answers),
        max_memory_bytes=sum(answer.get("maxmemory", 0) for answer in answers) or None,
        maxmemory_policy=first.get("maxmemory_policy"),
        replicas=sum(answer.get("connected_slaves", 0) for answer in answers),
        nodes=len(answers),
        keyspace_hits=sum(answer.get("keyspace_hits", 0) for answer in answers),
        keyspace_misses=sum(answer.get("keyspace_misses", 0) for answer in answers),
    )
