"""What a run of the queue tells: how far it is, what became of each distribution, why it is not done (pure but for the
figures that it reads from the file)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from perfctl.cdn.model.queue import Outcome, QueuedItem, QueueHolder, QueueProgress, QueueRun, QueueTurn
from perfctl.cdn.queue.sender import DistributionSender, Step
from perfctl.cdn.queue.status import busy, counted, failures
from perfctl.cdn.queue.store import Store
from perfctl.errors import TimedOutError
from perfctl.units import format_counted, format_duration_ms


def left_of(
    store: Store, wanted: Collection[str], senders: Collection[DistributionSender], *, now: float
) -> QueueProgress:
    """What is left of the distributions that are wanted (all of them where none is named), and what was done."""
    if not store.is_there:
        return QueueProgress(0, 0, 0, 0)
    with store.reading() as connection:
        names = [name for name in busy(connection) if not wanted or name in wanted]
        rows = [counted(connection, name, now=now) for name in names]
    return QueueProgress(
        sum(row.pending for row in rows),
        sum(row.in_flight for row in rows),
        sum(sender.tally.sent for sender in senders),
        sum(sender.tally.completed for sender in senders),
    )


def overdue(left: QueueProgress, senders: Collection[DistributionSender], waited_seconds: float) -> TimedOutError:
    """The error of a run that took longer than it might."""
    waited = format_duration_ms(waited_seconds * 1000)
    error = next((sender.tally.error for sender in senders if sender.tally.error), None)
    why = f"; the last attempt: {error.message}" if error else ""
    return TimedOutError(
        f"the queue is not empty after {waited}: {format_counted(left.pending, 'item')} pending,"
        f" {_in_flight(left.in_flight)}{why}",
        hint="nothing is lost: run it again, or give it more time with --wait-timeout",
    )


def run_of(
    store: Store,
    senders: Mapping[str, DistributionSender],
    steps: Mapping[str, Step],
    held: Mapping[str, QueueHolder],
    *,
    started: float,
    now: float,
) -> QueueRun:
    """The whole run in one result."""
    names = sorted({*senders, *held})
    rows = tuple(_turn(store, name, senders.get(name), steps.get(name), held.get(name), now) for name in names)
    return QueueRun(
        file=str(store.path),
        rows=rows,
        sent=sum(row.sent for row in rows),
        completed=sum(row.completed for row in rows),
        failed=sum(row.failed for row in rows),
        pending=sum(row.pending for row in rows),
        in_flight=sum(row.in_flight for row in rows),
        took_seconds=round(now - started, 3),
        failures=_failures(store, rows, started, now),
    )


def _turn(
    store: Store,
    name: str,
    sender: DistributionSender | None,
    step: Step | None,
    holder: QueueHolder | None,
    now: float,
) -> QueueTurn:
    with store.reading() as connection:
        counts = counted(connection, name, now=now)
    if sender is None:
        return QueueTurn(name, "held", 0, 0, 0, 0, 0, counts.pending, counts.in_flight, counts.overdue, holder=holder)
    tally = sender.tally
    return QueueTurn(
        distribution_id=name,
        outcome=_outcome(sender, step),
        sent_batches=tally.sent_batches,
        sent=tally.sent,
        completed=tally.completed,
        failed=tally.failed,
        widened=tally.widened,
        pending=counts.pending,
        in_flight=counts.in_flight,
        overdue=counts.overdue,
        resent_batches=tally.resent_batches,
        error=tally.error.message if tally.error else None,
    )


def _failures(store: Store, rows: Sequence[QueueTurn], started: float, now: float) -> tuple[QueuedItem, ...]:
    if not any(row.failed for row in rows):
        return ()
    with store.reading() as connection:
        return failures(connection, now=now, since=started)


def _outcome(sender: DistributionSender, step: Step | None) -> Outcome:
    if sender.tally.error is not None:
        return "error"
    if step is not None and step.doing == "no room":
        return "no room"
    if step is not None and step.doing == "later":
        return "not due"
    return "sent" if sender.tally.sent else "idle"


def _in_flight(number: int) -> str:
    return f"{number} in progress" if number else "none in progress"
