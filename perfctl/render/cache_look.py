"""Drawing a closer look at the cache: rankings, one key taken apart, what each node says of itself."""

from __future__ import annotations

from perfctl.cache.model.look import Inspected, TopKey, TopKeys
from perfctl.cache.model.servers import NodeStats
from perfctl.document.envelope import dumps, plain
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms, format_ratio

_SHOWN_CHARACTERS = 2000
"""So much of a value is drawn; `cache get` prints it whole."""

_STATES: dict[str, Tone] = {"fresh": "good", "stale": "warn", "cleared": "bad", "unreadable": "bad", "foreign": "dim"}


def top_view(result: TopKeys) -> View:
    """The ranking, then how it was found."""
    counted = "commands" if result.monitored_seconds is not None else "freq"
    columns = (
        Column("key", wraps=True),
        Column("namespace"),
        Column("type"),
        Column("size", "right"),
        Column("lives", "right"),
        *((Column(counted, "right"),) if _has_frequency(result) else ()),
        *((Column("idle", "right"),) if _has_idle(result) else ()),
    )
    rows = tuple(_top_row(row, result) for row in result.rows)
    is_all_mortal = result.by == "no-ttl" and result.sampled
    table = Table(columns, rows, empty="every key that was looked at expires" if is_all_mortal else "no key to rank")
    of_all = f"; the server holds {format_count(result.keys)}" if result.keys is not None else ""
    how = (result.method + of_all).replace(", ranked", ",\nranked").replace("; ", ";\n")
    return view(table, Text(how, "dim"))


def _top_row(row: TopKey, result: TopKeys) -> tuple[Cell | str, ...]:
    return (
        row.key,
        row.namespace or Cell("-", "dim"),
        row.type,
        format_bytes(row.size_bytes),
        Cell("never", "warn") if row.ttl_seconds is None else format_duration_ms(row.ttl_seconds * 1000),
        *((format_count(row.frequency),) if _has_frequency(result) else ()),
        *((_idle(row.idle_seconds),) if _has_idle(result) else ()),
    )


def _idle(seconds: int | None) -> str:
    """The server counts whole seconds: `0 s` is less than one."""
    return f"{seconds} s" if seconds is not None and seconds < 120 else _seconds(seconds) or "-"


def _has_frequency(result: TopKeys) -> bool:
    return any(row.frequency is not None for row in result.rows)


def _has_idle(result: TopKeys) -> bool:
    return any(row.idle_seconds is not None for row in result.rows) and result.monitored_seconds is None


def inspected_view(result: Inspected) -> View:
    """What is known, a fact a line, then the value; nothing for an absent key."""
    if not result.found:
        return view()
    known = [pair for pair in (*_what(result), *_how(result), *_life(result)) if pair[1] not in (None, "")]
    return view(Facts(tuple((name, value or "") for name, value in known)), _value(result))


def _what(result: Inspected) -> tuple[tuple[str, Cell | str | None], ...]:
    return (
        ("key", result.server_name),
        ("state", Cell(result.state, _STATES.get(result.state)) if result.state else None),
        ("unreadable", result.unreadable),
        ("type", result.type),
        ("elements", format_count(result.elements) if result.elements is not None else None),
        ("encoding", result.encoding),
    )


def _how(result: Inspected) -> tuple[tuple[str, Cell | str | None], ...]:
    packed = f"{result.serializer}, {result.compressor}" if result.serializer else None
    size = format_bytes(result.size_bytes) if result.size_bytes is not None else None
    if size and result.ratio is not None:
        size = f"{size} of {format_bytes(result.decoded_bytes)} ({format_ratio(result.ratio)})"
    return (
        ("codec", packed),
        ("dictionary", result.dictionary),
        (result.protection or "key", result.key_id and f"with key {result.key_id}"),
        ("size", size),
        ("memory", format_bytes(result.memory_bytes) if result.memory_bytes is not None else None),
    )


def _life(result: Inspected) -> tuple[tuple[str, Cell | str | None], ...]:
    lives = "for ever" if result.expires is False else _seconds(result.ttl_seconds)
    tags = ", ".join(f"{tag.tag} (cleared)" if tag.is_cleared else tag.tag for tag in result.tags)
    return (
        ("created", result.created),
        ("lives", f"{lives}, anew at each read" if result.sliding else lives),
        ("then stale", _seconds(result.stale_seconds) if result.stale_seconds else None),
        ("etag", result.etag),
        ("tags", tags),
        ("version", _versions(result)),
    )


def _versions(result: Inspected) -> Cell | str | None:
    if result.namespace_version is None:
        return None
    if result.namespace_version == (result.current_version or 0):
        return f"{result.namespace_version:08x}, the namespace's"
    now = f"{result.current_version:08x}" if result.current_version else "none"
    return Cell(f"{result.namespace_version:08x}, the namespace's is {now}", "bad")


def _value(result: Inspected) -> Text | None:
    if result.value is None:
        return None
    text = result.value if isinstance(result.value, str) else dumps(plain(result.value))
    more = f" ... {format_count(len(text))} characters" if len(text) > _SHOWN_CHARACTERS else ""
    return Text(text[:_SHOWN_CHARACTERS] + more)


def node_tables(nodes: tuple[NodeStats, ...]) -> tuple[Table, ...]:
    """Memory and traffic of each node, then its clients and replicas, then the slow log of all."""
    memory = Table(
        (
            Column("node"),
            Column("memory", "right"),
            Column("full", "right"),
            Column("frag", "right"),
            Column("keys", "right"),
            Column("evicted", "right"),
            Column("hits", "right"),
        ),
        tuple(_memory_row(node) for node in nodes),
    )
    clients = Table(
        (
            Column("node"),
            Column("clients", "right"),
            Column("blocked", "right"),
            Column("tracking", "right"),
            Column("ops/s", "right"),
            Column("repl", "right"),
            Column("lag", "right"),
        ),
        tuple(_clients_row(node) for node in nodes),
    )
    was_told = any(node.slow_commands is not None for node in nodes)
    slow = [(node.node, command) for node in nodes for command in node.slow_commands or ()]
    log = Table(
        (Column("slow command", wraps=True), Column("node"), Column("calls", "right"), Column("slowest", "right")),
        tuple(
            (command.command, node, format_count(command.calls), format_duration_ms(command.slowest_ms))
            for node, command in slow[:10]
        ),
        empty="the slow log is empty" if was_told else "the slow log may not be read",
    )
    return memory, clients, log


def _memory_row(node: NodeStats) -> tuple[Cell | str, ...]:
    fragmentation = "-" if node.fragmentation_ratio is None else f"{node.fragmentation_ratio:.2f}"
    return (
        node.node,
        format_bytes(node.used_memory_bytes),
        _full(node),
        fragmentation,
        format_count(node.keys),
        Cell(format_count(node.evicted_keys), "warn" if node.evicted_keys else None),
        format_ratio(node.hit_ratio),
    )


def _full(node: NodeStats) -> Cell:
    """The share of its limit that it uses; - without a limit."""
    if not node.max_memory_bytes or node.used_memory_bytes is None:
        return Cell("-", "dim")
    share = node.used_memory_bytes / node.max_memory_bytes
    return Cell(f"{share * 100:.0f} %", "warn" if share >= 0.9 else None)


def _clients_row(node: NodeStats) -> tuple[Cell | str, ...]:
    lag = "-" if node.replication_lag_bytes is None else format_bytes(node.replication_lag_bytes)
    return (
        node.node,
        format_count(node.clients),
        Cell(format_count(node.blocked_clients), "warn" if node.blocked_clients else None),
        format_count(node.tracking_clients),
        format_count(node.operations_per_second),
        format_count(node.replicas),
        lag,
    )


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else format_duration_ms(seconds * 1000)
