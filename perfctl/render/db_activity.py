"""Drawing what happens on a server: sessions, the blocking tree, the load as it moves."""

from __future__ import annotations

from perfctl.db.model.activity import Activity, LockNode, LockTree, ServerSession, Vitals, Watched
from perfctl.render.spark import spark
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, Tree, View, view
from perfctl.units import format_bytes, format_count, format_counted, format_duration_ms, format_ratio

_QUERY_LENGTH = 160
_OUTCOMES: dict[str, Tone] = {"ended": "good", "gone before": "good", "would be ended": "dim"}
_STATES: dict[str, Tone] = {"idle in transaction": "warn", "idle in transaction (aborted)": "bad", "idle": "dim"}
_LONG_SECONDS = 300.0
_WIDE = 160
"""From here on a session and its query have room on one line."""


def activity_view(result: Activity) -> View:
    """A session on a line, under how many there are of each kind; on a terminal of usual width, its query below it."""
    columns = (
        Column("pid", "right"),
        Column("user@database", from_width=_WIDE),
        Column("application", from_width=_WIDE),
        Column("state", from_width=_WIDE),
        Column("for", "right"),
        Column("transaction", "right"),
        *((Column("outcome", from_width=_WIDE),) if result.action else ()),
        Column("waits for", from_width=_WIDE),
        Column("query", wraps=True, from_width=_WIDE),
        Column("session", wraps=True, narrow_only=_WIDE),
    )
    kinds = "".join(f", {count} {state}" for state, count in result.states.items())
    title = f"{result.server}: {result.connections} of {result.max_connections} connections{kinds}"
    empty = f"{result.server}: nobody that was looked for, among {format_counted(result.connections, 'connection')}"
    return view(Table(columns, tuple(_row(row, result) for row in result.rows), title=title, empty=empty))


def lock_tree_view(result: LockTree) -> View:
    """A tree for each session that holds others up."""
    longest = format_duration_ms(_ms(result.longest_wait_seconds)) if result.longest_wait_seconds is not None else "?"
    if not result.rows and result.waiting:
        waiting = format_counted(result.waiting, "session waits", "sessions wait")
        return view(Text(f"{result.server}: nobody waits so long for a lock; {waiting}, the longest for {longest}"))
    if not result.rows:
        return view(Text(f"{result.server}: nobody waits for a lock"))
    waiting = format_counted(result.waiting, "session waits", "sessions wait")
    head = Text(f"{waiting} for a lock, the longest for {longest}", "strong")
    return view(Text(result.server), head, *(_branch(node) for node in result.rows))


def watched_view(result: Watched) -> View:
    """The last moment's figures, each with how it moved."""
    now = result.rows[-1]
    pairs = tuple((name, Cell(text, tone)) for name, text, tone in _figures(result, now))
    title = f"{result.server} at {now.at:%H:%M:%S} UTC, every {result.interval_seconds:g} s (Ctrl-C ends it)"
    return view(Facts(pairs, title=title))


def vitals_line(now: Vitals, *, with_head: bool = False) -> str:
    """One moment as a line of plain columns."""
    cells = (
        ("time", 8, f"{now.at:%H:%M:%S}"),
        ("conns", 5, str(now.connections)),
        ("active", 6, _number(now.active)),
        ("blocked", 7, _number(now.waiting)),
        ("idle-tx", 7, _number(now.idle_in_transaction)),
        ("longest", 11, _seconds(now.longest_statement_seconds)),
        ("tx/s", 7, _rate(now.transactions_per_second)),
        ("hit", 7, format_ratio(now.hit_ratio)),
        ("written/s", 9, _rate(now.rows_written_per_second)),
        ("temp/s", 8, _bytes(now.temp_bytes_per_second)),
        ("wal/s", 8, _bytes(now.wal_bytes_per_second)),
    )
    line = "  ".join(text.rjust(width) for _, width, text in cells)
    return line if not with_head else "  ".join(name.rjust(width) for name, width, _ in cells) + "\n" + line


def _figures(result: Watched, now: Vitals) -> list[tuple[str, str, Tone | None]]:
    rows = result.rows
    share = now.connections / now.max_connections if now.max_connections else 0.0
    full: Tone | None = "bad" if share >= 0.95 else "warn" if share >= 0.8 else None
    fell = sum(row.deadlocks or 0 for row in rows)

    def moved(name: str, text: str, high: float | None = None) -> str:
        return f"{spark([getattr(row, name) for row in rows], high=high)} {text}"

    return [
        ("connections", moved("connections", f"{now.connections} of {now.max_connections}", now.max_connections), full),
        ("active", moved("active", _number(now.active)), None),
        ("blocked", moved("waiting", _number(now.waiting)), "bad" if now.waiting else None),
        ("idle in transaction", moved("idle_in_transaction", _number(now.idle_in_transaction)), None),
        ("longest statement", _seconds(now.longest_statement_seconds), _lasting(now.longest_statement_seconds)),
        ("longest transaction", _seconds(now.longest_transaction_seconds), _lasting(now.longest_transaction_seconds)),
        ("transactions/s", moved("transactions_per_second", _rate(now.transactions_per_second)), None),
        ("rollbacks/s", moved("rollbacks_per_second", _rate(now.rollbacks_per_second)), None),
        ("rows read/s", moved("rows_read_per_second", _rate(now.rows_read_per_second)), None),
        ("rows written/s", moved("rows_written_per_second", _rate(now.rows_written_per_second)), None),
        ("buffer hits", moved("hit_ratio", format_ratio(now.hit_ratio), 1.0), None),
        ("blocks read/s", moved("blocks_read_per_second", _rate(now.blocks_read_per_second)), None),
        ("temporary files/s", moved("temp_bytes_per_second", _bytes(now.temp_bytes_per_second)), None),
        ("WAL/s", moved("wal_bytes_per_second", _bytes(now.wal_bytes_per_second)), None),
        ("deadlocks", moved("deadlocks", f"{fell} since {rows[0].at:%H:%M:%S}"), "bad" if fell else None),
    ]


def _row(row: ServerSession, result: Activity) -> tuple[Cell | str, ...]:
    state, waits = row.state or row.backend_type or "hidden", _waits(row)
    tone = "bad" if row.blocked_by else _STATES.get(row.state or "")
    said = (row.outcome or "", _who(row), state, f"waits for {waits}" if waits else "")
    first = ", ".join(part for part in said if part)
    return (
        str(row.pid),
        _user(row),
        row.application or "",
        Cell(state, _STATES.get(row.state or "")),
        _seconds(row.duration_seconds),
        Cell(_seconds(row.transaction_seconds), _lasting(row.transaction_seconds)),
        *((Cell(row.outcome or "", _OUTCOMES.get(row.outcome or "", "bad")),) if result.action else ()),
        Cell(waits, "bad" if row.blocked_by else "dim"),
        _query(row),
        Cell("\n".join(part for part in (first, _query(row)) if part), tone),
    )


def _waits(row: ServerSession) -> str:
    """The sessions that it waits for, or the server's word for it; a session that does nothing waits for its client."""
    if row.blocked_by:
        return ", ".join(map(str, row.blocked_by))
    return (row.wait or "").rpartition(": ")[2] if row.state == "active" else ""


def _branch(node: LockNode) -> Tree:
    session, wait = node.session, node.waits_for
    head = f"holds up {node.waiting}: " if wait is None else ""
    lines = [f"{head}{session.pid} {_who(session)}"]
    if wait is None:
        lines.append(_doing(session))
    else:
        against = f" against {wait.held_mode}" if wait.held_mode else ""
        waited = f" {_seconds(wait.waited_seconds)}" if wait.waited_seconds is not None else ""
        lines.append(f"waits{waited} for {wait.object}: {wait.mode}{against}")
    if node.also_blocked_by:
        lines.append(f"also waits for {', '.join(map(str, node.also_blocked_by))}")
    if node.is_deadlocked:
        lines.append("deadlock: it waits, round about, for itself")
    if session.query:
        lines.append(_query(session))
    if session.outcome:
        lines.insert(1, session.outcome)
    tone: Tone | None = "bad" if node.is_deadlocked or wait is None else None
    label: tuple[Cell | str, ...] = (Cell(lines[0], tone), *(f"\n{line}" for line in lines[1:]))
    return Tree(label, tuple(_branch(child) for child in node.children))


def _who(session: ServerSession) -> str:
    return f"{_user(session)} ({session.application})" if session.application else _user(session)


def _user(session: ServerSession) -> str:
    """Who, and where; nothing for one of the server's own processes."""
    if session.username is None and session.database is None:
        return ""
    return f"{session.username or '?'}@{session.database or '?'}"


def _doing(session: ServerSession) -> str:
    lasts = "" if session.duration_seconds is None else f" for {_seconds(session.duration_seconds)}"
    return f"{session.state or 'hidden'}{lasts}"


def _query(session: ServerSession) -> str:
    text = " ".join((session.query or "").split())
    return text if len(text) <= _QUERY_LENGTH else text[: _QUERY_LENGTH - 1] + "…"


def _lasting(seconds: float | None) -> Tone | None:
    return "warn" if (seconds or 0.0) >= _LONG_SECONDS else None


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration_ms(seconds * 1000) if seconds else "0 s"


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


def _ms(seconds: float) -> float:
    return seconds * 1000


def _rate(per_second: float | None) -> str:
    if per_second is None:
        return "-"
    return f"{per_second:.1f}" if 0 < per_second < 9.95 else format_count(per_second)


def _bytes(per_second: float | None) -> str:
    return "-" if per_second is None else format_bytes(per_second)
