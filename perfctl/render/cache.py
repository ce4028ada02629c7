"""Drawing what the cache answers."""

from __future__ import annotations

from perfctl.cache.model import (
    CachedValue,
    Cleared,
    Deleted,
    NamespaceStats,
    Preloaded,
    ServerFacts,
    SharedStats,
    Stored,
)
from perfctl.cache.simulate.model import Simulated
from perfctl.render.cache_simulate import simulated_view
from perfctl.render.document import dumps, plain
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms, format_ratio


def value_view(result: CachedValue) -> View:
    """The value alone: text as it is, everything else as JSON; nothing for an absent key."""
    if not result.found:
        return view()
    return view(Text(result.value if isinstance(result.value, str) else dumps(plain(result.value))))


def stored_view(result: Stored) -> View:
    """What was written, and how long it lives."""
    lives = "for ever" if result.ttl_seconds is None else f"for {format_duration_ms(result.ttl_seconds * 1000)}"
    return view(Text(f"set {result.key} in {result.namespace}: {format_bytes(result.size_bytes)}, {lives}"))


def deleted_view(result: Deleted) -> View:
    """How many went, how many were not there."""
    absent = f", {format_count(result.absent)} not there" if result.absent else ""
    return view(Text(f"deleted {format_count(result.deleted)} of {result.namespace}{absent}"))


def cleared_view(result: Cleared) -> View:
    """What went, or what would go."""
    size = f"{_keys(result.keys)}, about {format_bytes(result.size_bytes)}"
    if result.dry_run:
        samples = "\n".join(f"  {sample}" for sample in result.samples)
        return view(Text(f"would clear {result.namespace}: {size}"), Text(samples) if samples else None)
    if not result.keys:
        return view(Text(f"nothing to clear: {result.namespace} holds no keys"))
    took = format_duration_ms(result.took_ms)
    return view(Text(f"cleared {result.namespace}: {_keys(result.deleted)} deleted in {took}"))


def _keys(count: int) -> str:
    return f"{format_count(count)} key{'' if count == 1 else 's'}"


def preloaded_view(result: Preloaded) -> View:
    """How much was loaded, and the first entries that were not."""
    rate = result.loaded / result.took_ms * 1000 if result.took_ms else 0
    facts = Facts(
        (
            ("namespace", result.namespace),
            ("loaded", Cell(format_count(result.loaded), "good")),
            ("failed", Cell(format_count(result.failed), "bad" if result.failed else "dim")),
            ("size", format_bytes(result.size_bytes)),
            ("took", f"{format_duration_ms(result.took_ms)}, {format_count(rate)} keys/s"),
        )
    )
    return view(facts, Text("not loaded:\n  " + "\n  ".join(result.rows), "bad") if result.rows else None)


def stats_view(result: SharedStats) -> View:
    """Namespaces, the biggest first, then the server in a line."""
    columns = (
        Column("namespace"),
        Column("keys", "right"),
        Column("size", "right"),
        Column("hits", "right"),
        Column("misses", "right"),
        Column("hit ratio", "right"),
    )
    rows = [_row(row) for row in result.rows]
    if len(rows) > 1:
        rows.append(_total(result))
    table = Table(columns, tuple(rows), empty="no keys of perfctl on this server, and nothing counted")
    return view(table, Text(_server_line(result.server)))


def _row(row: NamespaceStats) -> tuple[Cell | str, ...]:
    return (
        row.namespace,
        format_count(row.keys),
        format_bytes(row.size_bytes),
        format_count(row.hits),
        format_count(row.misses),
        Cell(format_ratio(row.hit_ratio), _tone(row.hit_ratio)),
    )


def _total(result: SharedStats) -> tuple[Cell | str, ...]:
    return (
        Cell("all", "strong"),
        format_count(result.keys),
        format_bytes(result.size_bytes),
        format_count(result.hits),
        format_count(result.misses),
        Cell(format_ratio(result.hit_ratio), _tone(result.hit_ratio)),
    )


def _tone(hit_ratio: float | None) -> Tone:
    if hit_ratio is None:
        return "dim"
    return "good" if hit_ratio >= 0.8 else "warn" if hit_ratio >= 0.5 else "bad"


def _server_line(server: ServerFacts) -> str:
    name = " ".join(part for part in (server.product or "Redis", server.version, server.mode) if part)
    if server.used_memory_bytes is None:
        return name
    limit = f" of {format_bytes(server.max_memory_bytes)}" if server.max_memory_bytes else ""
    return f"{name} · {format_bytes(server.used_memory_bytes)}{limit} used · {server.maxmemory_policy}"


VIEWS = {
    CachedValue: value_view,
    Stored: stored_view,
    Deleted: deleted_view,
    Cleared: cleared_view,
    Preloaded: preloaded_view,
    SharedStats: stats_view,
    Simulated: simulated_view,
}
