"""Drawing what happens on a server: sessions, the blocking tree, the load as it moves."""

from __future__ import annotations

from perfctl.db.model.activity import Activity, LockNode, LockTree, ServerSession, Vitals, Watched
from perfctl.render.spark import spark
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, Tree, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms, format_ratio

_QUERY_LENGTH = 160
_OUTCOMES: dict[str, Tone] = {"ended": "good", "gone before": "good", "would be ended": "dim"}
_STATES: dict[str, Tone] = {"idle in transaction": "warn", "idle in transaction (aborted)": "bad", "idle": "dim"}
_LONG_SECONDS = 300.0


def activity_view(result: Activity) -> View:
    """A session on a line, under how many there are of each kind."""
    columns = (
        Column("pid", "right"),
        Column("user@database", wraps=True),
        Column("state"),
        Column("for", "right"),
        Column("transaction", "right"),
        *((Column("outcome"),) if result.action else (Column("waits for", wraps=True),)),
        Column("query", wraps=True),
    )
    kinds = "".join(f", {count} {state}" for state, count in result.states.items())
    title = f"{result.server}: {result.connections} of {result.max_connections} connections{kinds}"
    empty = f"{result.server}: nobody that was looked for, among {result.connections} connections"
    return view(Table(columns, tuple(_row(row, result) for row in result.rows), title=title, empty=empty))


def lock_tree_view(result: LockTree) -> View:
    """A tree for each session that holds others up."""
    if not result.rows:
        return view(Text(f"{result.server}: nobody waits for a lock"))
    longest = format_duration_ms(_ms(result.longest_wait_seconds)) if result.longest_wait_seconds is not None else "?"
    head = Text(f"{result.server}: {result.waiting} sessions wait for a lock, the longest for {longest}", "strong")
    return view(head, *(_branch(node) for node in result.rows))


def watched_view(result: Watched) -> View:
    """The last moment's figures, each with how it moved."""
    now = result.rows[-1]
    pairs = tuple((name, Cell(text, tone)) for name, text, tone in _figures(result, now))
    title = f"{result.server} at {now.at:%H:%M:%S} UTC, every {result.interval_seconds:g} s (Ctrl-C ends it)"
    return view(Facts(pairs, title=title))


def vitals_line(now: Vitals, *, with_head: bool = False) -> str:
    """One moment as a line of plain columns."""
    cells = (
        ("time", f"{now.at:%H:%M:%S}"),
        ("conns", str(now.connections)),
        ("active", str(now.active)),
        ("blocked", str(now.waiting)),
        ("idle-tx", str(now.idle_in_transaction)),
        ("tx/s", _rate(now.transactions_per_second)),
        ("hit", "-" if now.hit_ratio is None else format_ratio(now.hit_ratio)),
        ("written/s", _rate(now.rows_written_per_second)),
        ("temp/s", _bytes(now.temp_bytes_per_second)),
        ("wal/s", _bytes(now.wal_bytes_per_second)),
        ("longest", _seconds(now.longest_statement_seconds)),
    )
    line = "  ".join(text.rjust(max(len(name), 8)) for name, text in cells)
    return line if not with_head else "  ".join(name.rjust(max(len(name), 8)) for name, _ in cells) + "\n" + line


def _figures(result: Watched, now: Vitals) -> list[tuple[str, str, Tone | None]]:
    rows = result.rows
    share = now.connections / now.max_connections if now.max_connections else 0.0
    return [
        (
            "connections",
            f"{spark([row.connections for row in rows], high=now.max_connections)} {now.connections} of "
            f"{now.max_connections}",
            "bad" if share >= 0.95 else "warn" if share >= 0.8 else None,
        ),
        ("active", f"{spark([row.active for row in rows])} {now.active}", None),
        ("blocked", f"{spark([row.waiting for row in rows])} {now.waiting}", "bad" if now.waiting else None),
        (
            "idle in transaction",
            f"{spark([row.idle_in_transaction for row in rows])} {now.idle_in_transaction}",
            None,
        ),
        (
            "transactions/s",
            f"{spark([row.transactions_per_second for row in rows])} {_rate(now.transactions_per_second)}",
            None,
        ),
        (
            "rollbacks/s",
            f"{spark([row.rollbacks_per_second for row in rows])} {_rate(now.rollbacks_per_second)}",
            None,
        ),
        (
            "rows read/s",
            f"{spark([row.rows_read_per_second for row in rows])} {_rate(now.rows_read_per_second)}",
            None,
        ),
        (
            "rows written/s",
            f"{spark([row.rows_written_per_second for row in rows])} {_rate(now.rows_written_per_second)}",
            None,
        ),
        (
            "buffer hits",
            f"{spark([row.hit_ratio for row in rows], high=1.0)} "
            f"{'-' if now.hit_ratio is None else format_ratio(now.hit_ratio)}",
            None,
        ),
        (
            "temporary files/s",
            f"{spark([row.temp_bytes_per_second for row in rows])} {_bytes(now.temp_bytes_per_second)}",
            None,
        ),
        ("WAL/s", f"{spark([row.wal_bytes_per_second for row in rows])} {_bytes(now.wal_bytes_per_second)}", None),
        ("longest statement", _seconds(now.longest_statement_seconds), _lasting(now.longest_statement_seconds)),
        ("longest transaction", _seconds(now.longest_transaction_seconds), _lasting(now.longest_transaction_seconds)),
    ]


def _row(row: ServerSession, result: Activity) -> tuple[Cell | str, ...]:
    if result.action:
        extra = Cell(row.outcome or "", _OUTCOMES.get(row.outcome or "", "bad"))
    elif row.blocked_by:
        extra = Cell(", ".join(map(str, row.blocked_by)), "bad")
    else:
        extra = Cell((row.wait or "").rpartition(": ")[2], "dim")
    return (
        str(row.pid),
        f"{row.username or '?'}@{row.database or '?'}",
        Cell(row.state or row.backend_type or "hidden", _STATES.get(row.state or "")),
        Cell(_seconds(row.duration_seconds), None),
        Cell(_seconds(row.transaction_seconds), _lasting(row.transaction_seconds)),
        extra,
        _query(row),
    )


def _branch(node: LockNode) -> Tree:
    session, wait = node.session, node.waits_for
    lines = [f"{session.pid} {_who(session)}, {_doing(session)}"]
    if wait is not None:
        held = f", held as {wait.held_mode}" if wait.held_mode else ""
        waited = f" for {_seconds(wait.waited_seconds)}" if wait.waited_seconds is not None else ""
        lines.append(f"waits{waited}: {wait.mode} on {wait.object}{held}")
    if node.also_blocked_by:
        lines.append(f"also waits for {', '.join(map(str, node.also_blocked_by))}")
    if node.is_deadlocked:
        lines.append("deadlock: it waits, round about, for itself")
    if session.query:
        lines.append(_query(session))
    if session.outcome:
        lines.append(session.outcome)
    tone: Tone | None = "bad" if node.is_deadlocked or wait is None else None
    head = f"holds up {node.waiting}: " if wait is None else ""
    return Tree((Cell(head + "\n  ".join(lines), tone),), tuple(_branch(child) for child in node.children))


def _who(session: ServerSession) -> str:
    application = f" ({session.application})" if session.application else ""
    return f"{session.username or '?'}@{session.database or '?'}{application}"


def _doing(session: ServerSession) -> str:
    lasts = "" if session.duration_seconds is None else f" for {_seconds(session.duration_seconds)}"
    return f"{session.state or 'hidden'}{lasts}"


def _query(session: ServerSession) -> str:
    text = " ".join((session.query or "").split())
    return text if len(text) <= _QUERY_LENGTH else text[: _QUERY_LENGTH - 1] + "…"


def _lasting(seconds: float | None) -> Tone | None:
    return "warn" if (seconds or 0.0) >= _LONG_SECONDS else None


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration_ms(seconds * 1000)


def _ms(seconds: float) -> float:
    return seconds * 1000


def _rate(per_second: float | None) -> str:
    return "-" if per_second is None else format_count(round(per_second))


def _bytes(per_second: float | None) -> str:
    return "-" if per_second is None else format_bytes(per_second)
