"""One sender a distribution, over all processes of the host: a lease that is kept alive, and passes on after a crash.

A lease that ran out is taken over; so is, at once, that of a process of this host which is known to be gone. Two
senders at a time would not pay twice, for a batch keeps its reference: the lease keeps them from tripping a limit.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from perfctl.cdn.model.queue import QueueHolder
from perfctl.cdn.queue.moments import iso


@dataclass(frozen=True, slots=True)
class Holder:
    """A sender, and how to tell whether it still runs."""

    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    host: str = field(default_factory=platform.node)
    pid: int = field(default_factory=os.getpid)
    born: str = field(default_factory=lambda: _born(os.getpid()))
    """What tells it from another process with its number, on this boot and in this container."""


def take(
    connection: sqlite3.Connection, distribution: str, holder: Holder, *, now: float, seconds: float
) -> sqlite3.Row | None:
    """Take the lease, or keep it alive. None: it is ours; else the row of who holds it."""
    row: sqlite3.Row | None = _row(connection, distribution)
    if row is not None and not _is_free(row, holder, now):
        return row
    is_kept = row is not None and row["token"] == holder.token
    connection.execute(
        "INSERT INTO senders (distribution, token, host, pid, born, taken, beat, expires)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) ON CONFLICT (distribution) DO UPDATE SET token = ?2, host = ?3,"
        " pid = ?4, born = ?5, taken = CASE WHEN ?8 THEN taken ELSE ?6 END, beat = ?6, expires = ?7",
        (distribution, holder.token, holder.host, holder.pid, holder.born, now, now + seconds, is_kept),
    )
    return None


def give_back(connection: sqlite3.Connection, holder: Holder) -> None:
    """Let go of every lease of a sender."""
    connection.execute("UPDATE senders SET token = NULL WHERE token = ?", (holder.token,))


def holder_of(row: sqlite3.Row | None, *, now: float) -> QueueHolder | None:
    """Who holds a lease, as far as it still runs."""
    if row is None or row["token"] is None or _is_over(row, now) or _is_gone(row):
        return None
    return QueueHolder(row["host"], row["pid"], iso(row["taken"]), round(max(0.0, now - row["beat"]), 3))


def note_error(connection: sqlite3.Connection, distribution: str, error: str | None) -> None:
    """Remember what the last attempt met, for whoever asks how the queue is."""
    connection.execute(
        "INSERT INTO senders (distribution, error) VALUES (?1, ?2) ON CONFLICT (distribution) DO UPDATE SET error = ?2",
        (distribution, error),
    )


def _row(connection: sqlite3.Connection, distribution: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        "SELECT * FROM senders WHERE distribution = ?", (distribution,)
    ).fetchone()
    return found


def _is_free(row: sqlite3.Row, holder: Holder, now: float) -> bool:
    return row["token"] in (None, holder.token) or _is_over(row, now) or _is_gone(row)


def _is_over(row: sqlite3.Row, now: float) -> bool:
    """A sign of life that is further ahead than a lease is long is from before the clock was set back."""
    seconds = row["expires"] - row["beat"]
    return bool(row["expires"] <= now or row["beat"] > now + seconds)


def _is_gone(row: sqlite3.Row) -> bool:
    """Whether the holder is known to run no more; False where that cannot be told from here."""
    if row["host"] != platform.node() or row["born"].partition("@")[2] != _born(os.getpid()).partition("@")[2]:
        return False
    return bool(_born(row["pid"]) != row["born"])


def _born(pid: int) -> str:
    """`START@BOOT:NAMESPACE` of a process; `gone@...` where there is none."""
    place = f"@{_read('/proc/sys/kernel/random/boot_id')}:{_namespace()}"
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return ("gone" if fields[0] in "ZX" else fields[19]) + place
    return ("runs" if _runs(pid) else "gone") + place


def _runs(pid: int) -> bool:
    """For systems without /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _read(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text(encoding="utf-8").strip()
    return ""


def _namespace() -> str:
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""
