"""Who waits for whom: the sessions that wait for a lock, each below the one that holds it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfctl.db.activity.sessions import limit_of, sessions
from perfctl.db.asking import ask
from perfctl.db.model.activity import LockNode, LockTree, LockWait, ServerSession

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session

PREPARED = 0
"""The pid that stands for a transaction that was prepared for a commit in two phases, and has no session."""


@dataclass(frozen=True, slots=True)
class Want:
    """A lock that a session waits for, and what the others hold of the same thing."""

    wait: LockWait
    held: Mapping[int | None, str]


async def lock_tree(session: Session, *, timeout_seconds: float | None = None) -> LockTree:
    """All who wait for a lock, and those they wait for. Two readings a moment apart: what both show is shown."""
    rows, unreadable = await sessions(session, timeout_seconds=timeout_seconds)
    wants: dict[int, Want] = {}
    if any(row.blocked_by for row in rows):
        version = session.server_version[0]
        for record in await ask(session, "lock_waits", version=version, **limit_of(timeout_seconds)):
            if record["pid"] is not None:
                wants.setdefault(record["pid"], _want(record))
    nodes = forest(rows, wants)
    waits = [want.wait.waited_seconds for want in wants.values() if want.wait.waited_seconds is not None]
    return LockTree(
        rows=nodes,
        total=len(nodes),
        server=session.server,
        waiting=sum(bool(row.blocked_by) for row in rows),
        longest_wait_seconds=max(waits, default=None),
        unreadable=unreadable,
    )


def forest(rows: Sequence[ServerSession], wants: Mapping[int, Want]) -> tuple[LockNode, ...]:
    """The trees of sessions that block or wait, the one that holds up the most first. Pure.

    A session that waits for several stands below the one that waits longest itself (the queue's last before it), the
    others are named. Sessions that wait for each other in a ring have no top: the ring is cut at its lowest pid.
    """
    by_pid = {row.pid: row for row in rows}
    blockers = {row.pid: tuple(pid for pid in row.blocked_by if pid != row.pid) for row in rows if row.blocked_by}
    for pid in {pid for pids in blockers.values() for pid in pids} - by_pid.keys():
        by_pid[pid] = _unseen(pid)
    rings = _in_a_ring(blockers)
    depths: dict[int, int] = {}
    parents = {
        pid: max(above, key=lambda each: (_depth(each, blockers, depths), -each))
        for pid, above in blockers.items()
        if above
    }
    tops = [pid for pid in {pid for pids in blockers.values() for pid in pids} if pid not in parents]
    tops += _cuts(parents)
    trees = [_tree(pid, by_pid, blockers, parents, wants, rings, frozenset()) for pid in tops]
    return tuple(sorted(trees, key=lambda node: (-node.waiting, node.session.pid)))


def _tree(
    pid: int,
    by_pid: Mapping[int, ServerSession],
    blockers: Mapping[int, tuple[int, ...]],
    parents: Mapping[int, int],
    wants: Mapping[int, Want],
    rings: frozenset[int],
    above: frozenset[int],
) -> LockNode:
    seen = above | {pid}
    below = [each for each, parent in parents.items() if parent == pid and each not in seen]
    children = [_tree(each, by_pid, blockers, parents, wants, rings, seen) for each in below]
    parent, want = parents.get(pid), wants.get(pid)
    return LockNode(
        session=by_pid[pid],
        waits_for=None
        if want is None
        else replace(want.wait, held_mode=want.held.get(-1 if parent is None else parent)),
        also_blocked_by=tuple(each for each in blockers.get(pid, ()) if each != parent),
        is_deadlocked=pid in rings,
        waiting=sum(child.waiting + 1 for child in children),
        children=tuple(sorted(children, key=lambda node: (-node.waiting, node.session.pid))),
    )


def _depth(pid: int, blockers: Mapping[int, tuple[int, ...]], known: dict[int, int]) -> int:
    """How many wait before it, one behind the other."""
    if pid not in known:
        known[pid] = 0  # what comes back to it within a ring counts no further
        known[pid] = max((_depth(each, blockers, known) + 1 for each in blockers.get(pid, ())), default=0)
    return known[pid]


def _in_a_ring(blockers: Mapping[int, tuple[int, ...]]) -> frozenset[int]:
    """Those that wait, round about, for themselves."""
    return frozenset(pid for pid in blockers if pid in _reached(pid, blockers))


def _reached(pid: int, blockers: Mapping[int, tuple[int, ...]]) -> set[int]:
    found: set[int] = set()
    left = list(blockers[pid])
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += blockers.get(each, ())
    return found


def _cuts(parents: Mapping[int, int]) -> list[int]:
    """One pid of each ring of parents: a ring has no top to be reached from."""
    cuts: set[int] = set()
    for pid in parents:
        path: list[int] = []
        while pid in parents and pid not in path:
            path.append(pid)
            pid = parents[pid]
        if pid in path:
            cuts.add(min(path[path.index(pid) :]))
    return sorted(cuts)


def _want(record: Record) -> Want:
    held = (text.split(" ", 1) for text in record["holders"] or ())
    wait = LockWait(
        lock_type=record["locktype"],
        object=_object(record),
        mode=record["mode"],
        held_mode=None,
        waited_seconds=None if record["waited_seconds"] is None else round(max(record["waited_seconds"], 0.0), 3),
    )
    return Want(wait, {int(pid): mode for pid, mode in held})


def _object(record: Record) -> str:
    """What is locked, in words."""
    kind, relation = record["locktype"], record["relation"]
    if kind == "transactionid":
        row = record["row_of"]
        return f"row of {row}" if row else f"transaction {record['transactionid']}"
    if kind == "advisory":
        return f"advisory lock {_advisory(record)}"
    if record["relation_oid"] is not None:
        named = relation or f"with oid {record['relation_oid']} in another database"
        return f"{ {'relation': 'table', 'tuple': 'row of'}.get(kind, f'{kind} of') } {named}"
    return str(kind)


def _advisory(record: Record) -> str:
    """The key as it was given: one bigint, or two ints (objsubid tells them apart)."""
    high, low = record["classid"], record["objid"]
    if record["objsubid"] == 2:
        return f"({_signed(high, 32)}, {_signed(low, 32)})"
    return str(_signed(high << 32 | low, 64))


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) else number


def _unseen(pid: int) -> ServerSession:
    """A blocker that is no session: a prepared transaction; or one that ended meanwhile."""
    return ServerSession(
        pid=pid,
        backend_start=None,
        backend_type="prepared transaction" if pid == PREPARED else None,
        database=None,
        username=None,
        application=None,
        client=None,
        state="prepared" if pid == PREPARED else "gone",
        wait=None,
        duration_seconds=None,
        transaction_seconds=None,
        query="ended by COMMIT PREPARED or ROLLBACK PREPARED; see pg_prepared_xacts" if pid == PREPARED else None,
        queryid=None,
        query_start=None,
        blocked_by=(),
    )
