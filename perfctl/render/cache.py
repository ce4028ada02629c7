"""Drawing what the cache answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from perfctl.document.envelope import dumps, plain
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms, format_ratio

if TYPE_CHECKING:
    from perfctl.cache.model import (
        CachedValue,
        Cleared,
        Deleted,
        KeyLife,
        NamespaceStats,
        Preloaded,
        Presence,
        ServerFacts,
        SharedStats,
        Stored,
        Touched,
    )
    from perfctl.cache.model.servers import NodeStats


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


def presence_view(result: Presence) -> View:
    """A key a line, and whether it is there."""
    columns = (Column("key"), Column("found"))
    return view(Table(columns, tuple((row.key, _yes(row.found)) for row in result.rows)))


def life_view(result: KeyLife) -> View:
    """What is left, in words; nothing for an absent key."""
    if not result.found:
        return view()
    if not result.expires:
        return view(Text("never"))
    stale = f", then {_seconds(result.stale_seconds)} stale" if result.stale_seconds else ""
    return view(Text(_seconds(result.ttl_seconds) + stale))


def touched_view(result: Touched) -> View:
    """How long it lives from now on."""
    if not result.found:
        return view()
    lives = "for ever" if result.ttl_seconds is None else f"for {_seconds(result.ttl_seconds)}"
    return view(Text(f"touched {result.key} in {result.namespace}: it lives {lives}"))


def _seconds(seconds: float | None) -> str:
    return format_duration_ms(None if seconds is None else seconds * 1000)


def _yes(found: bool) -> Cell:
    return Cell("yes", "good") if found else Cell("no", "bad")


def cleared_view(result: Cleared) -> View:
    """What went, or what would go; what memory is still to be given back."""
    size, what = f"{_keys(result.keys)}, about {format_bytes(result.size_bytes)}", _cleared_what(result)
    garbage = _to_reclaim(result)
    if result.only_reclaims:
        return view(Text(_given_back(result)))
    if result.dry_run and result.to_reclaim and not result.keys:
        return view(Text(f"nothing to clear: {what} holds no keys"), garbage)
    if result.dry_run:
        samples = "\n".join(f"  {sample}" for sample in result.samples)
        return view(Text(f"would clear {what}: {size}"), Text(samples) if samples else None, garbage)
    if not result.keys and not result.reclaimed:
        return view(Text(f"nothing to clear: {what} holds no keys"), garbage)
    took = format_duration_ms(result.took_ms)
    if result.clear_ms is None:
        return view(Text(f"cleared {what}: {_keys(result.deleted)} deleted in {took}"), garbage)
    at_once = f"cleared {what}: {_keys(result.deleted)} in {format_duration_ms(result.clear_ms)}"
    reclaimed = f", the memory of {_keys(result.reclaimed)} given back in {took}" if result.reclaimed else ""
    return view(Text(at_once + reclaimed), garbage)


def _given_back(result: Cleared) -> str:
    where = result.namespace
    if result.reclaimed:
        took = format_duration_ms(result.took_ms)
        return f"given back of {where}: the memory of {_keys(result.reclaimed)} in {took}"
    if result.to_reclaim:
        size = format_bytes(result.to_reclaim_bytes)
        return f"would give back of {where}: the memory of {_keys(result.to_reclaim)}, about {size}"
    return f"nothing to give back: no cleared key of {where} holds memory"


def _cleared_what(result: Cleared) -> str:
    if result.pattern is not None:
        return f"{result.pattern} in {result.namespace}" if result.namespace is not None else result.pattern
    return result.namespace or "" if result.tag is None else f"tag {result.tag} in {result.namespace}"


def _to_reclaim(result: Cleared) -> Text | None:
    if not result.to_reclaim:
        return None
    size = f"{_keys(result.to_reclaim)}, about {format_bytes(result.to_reclaim_bytes)}"
    how = f"perfctl cache clear --reclaim -n {result.namespace}, or an application that runs, gives it back"
    return Text(f"still to reclaim: {size}; {how}", "dim")


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
        Column("look-ups", "right"),
        Column("hit ratio", "right"),
        Column("L1", "right"),
        Column("L2", "right"),
    )
    rows = [_row(row) for row in result.rows]
    if len(rows) > 1:
        rows.append(_total(result))
    table = Table(columns, tuple(rows), empty="no keys of perfctl on this server, and nothing counted")
    return view(table, Text(_server_line(result.server)), *_node_tables(result.nodes))


def _node_tables(nodes: tuple[NodeStats, ...]) -> tuple[Table, ...]:
    """What `--server` adds; loaded only then."""
    if not nodes:
        return ()
    from perfctl.render.cache_look import node_tables

    return node_tables(nodes)


def _row(row: NamespaceStats) -> tuple[Cell | str, ...]:
    return (
        row.namespace,
        format_count(row.keys),
        format_bytes(row.size_bytes),
        format_count(row.hits + row.misses),
        Cell(format_ratio(row.hit_ratio), _tone(row.hit_ratio)),
        _share(row.hits_l1, row.hits + row.misses),
        _share(row.hits_l2, row.hits + row.misses),
    )


def _total(result: SharedStats) -> tuple[Cell | str, ...]:
    return (
        Cell("all", "strong"),
        format_count(result.keys),
        format_bytes(result.size_bytes),
        format_count(result.hits + result.misses),
        Cell(format_ratio(result.hit_ratio), _tone(result.hit_ratio)),
        _share(sum(row.hits_l1 for row in result.rows), result.hits + result.misses),
        _share(sum(row.hits_l2 for row in result.rows), result.hits + result.misses),
    )


def _share(hits: int, lookups: int) -> str:
    """Of all look-ups, those that a tier answered: the two add up to the hit ratio."""
    return f"{hits / lookups * 100:.0f} %" if lookups else "-"


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


VIEWS: Mapping[type, Callable[[Any], View]] = {}
LATER = {
    "perfctl.cache.model.values.CachedValue": "cache:value_view",
    "perfctl.cache.model.keys.Stored": "cache:stored_view",
    "perfctl.cache.model.keys.Deleted": "cache:deleted_view",
    "perfctl.cache.model.keys.Presence": "cache:presence_view",
    "perfctl.cache.model.keys.KeyLife": "cache:life_view",
    "perfctl.cache.model.keys.Touched": "cache:touched_view",
    "perfctl.cache.model.clears.Cleared": "cache:cleared_view",
    "perfctl.cache.model.loads.Preloaded": "cache:preloaded_view",
    "perfctl.cache.model.shared.SharedStats": "cache:stats_view",
    "perfctl.cache.model.look.TopKeys": "cache_look:top_view",
    "perfctl.cache.model.look.Inspected": "cache_look:inspected_view",
    "perfctl.cache.model.dictionaries.DictionaryTraining": "cache_dict:training_view",
    "perfctl.cache.model.dictionaries.DictionaryListing": "cache_dict:listing_view",
    "perfctl.cache.simulate.model.Simulated": "cache_simulate:simulated_view",
}
"""Every answer by its name, so that none is loaded for another's sake, and where its drawing stands."""
