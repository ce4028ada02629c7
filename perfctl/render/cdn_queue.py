"""Drawing the queue of invalidations, and what invalidations cost."""

from __future__ import annotations

from perfctl.cdn.model.queue import (
    Outcome,
    QueueCancelled,
    Queued,
    QueuedDistribution,
    QueuedItem,
    QueueRun,
    QueueStatus,
    QueueTurn,
)
from perfctl.cdn.model.spending import InvalidationSpending
from perfctl.render.view import Cell, Column, Part, Table, Text, Tone, View, view
from perfctl.units import format_count, format_counted, format_duration_ms, format_ratio

_OUTCOMES: dict[Outcome, Tone] = {
    "sent": "good",
    "idle": "dim",
    "not due": "dim",
    "no room": "warn",
    "held": "warn",
    "error": "bad",
}
_STATES: dict[str, Tone] = {
    "Completed": "good",
    "InProgress": "warn",
    "planned": "dim",
    "queued": "warn",
    "failed": "bad",
}
_MOST_CANCELLED = 20
_MOST_BILLED = 20


def status_view(status: QueueStatus) -> View:
    """Who waits longest first; what goes next, what failed, and what is wrong."""
    columns = (
        Column("distribution"),
        Column("pending", "right"),
        Column("oldest", "right"),
        Column("in flight", "right"),
        Column("batches", "right", from_width=100),
        Column("done 24h", "right", from_width=100),
        Column("failed", "right"),
        Column("sender", wraps=True),
    )
    empty = "nothing was queued yet"
    table = Table(columns, tuple(_status_row(row) for row in status.rows), empty=empty)
    return view(
        table,
        Text(_status_summary(status), "dim"),
        *_troubles(status),
        _items(status.items, "next") if status.items else None,
        _failures(status.failures),
    )


def run_view(run: QueueRun) -> View:
    """What was sent for each distribution, and what is left."""
    columns = (
        Column("outcome"),
        Column("distribution"),
        Column("batches", "right", from_width=100),
        Column("sent", "right"),
        Column("completed", "right"),
        Column("failed", "right"),
        Column("pending", "right"),
        Column("in flight", "right"),
    )
    table = Table(columns, tuple(_turn_row(row) for row in run.rows), empty="nothing was queued, and nothing in flight")
    notes = [note for row in run.rows for note in _turn_notes(row)]
    return view(table, Text("\n".join(notes)) if notes else None, _failures(run.failures))


def cancelled_view(result: QueueCancelled) -> View:
    """What was taken out."""
    done = "would be cancelled" if result.dry_run else "cancelled"
    restored = format_counted(result.restored, "item")
    kept = f"\n{restored} that went with a cancelled wildcard, queued by themselves again" if result.restored else ""
    shown = result.items[:_MOST_CANCELLED]
    more = result.total - len(shown)
    rest = f", {format_count(more)} more not shown" if more > 0 else ""
    counted = format_counted(result.total, "item")
    summary = f"{counted} {done}{rest}{kept}" if result.total else "nothing in the queue is so named: nothing to cancel"
    return view(_items(shown, None) if shown else None, Text(summary))


def queued_text(rows: tuple[Queued, ...]) -> Text:
    """What adding to the queue did, a line a distribution, and how it goes on."""
    lines = [_queued_line(row) for row in rows]
    return Text("\n".join([*lines, "perfctl cdn queue run sends it (from cron, or as a service with --every 1s)"]))


def spending_view(spent: InvalidationSpending) -> View:
    """The months' bill first, then who took the most, then the invalidations themselves."""
    return view(
        _months(spent), _folders(spent), _repeated(spent), _billed(spent), Text(_spending_summary(spent), "dim")
    )


def _status_row(row: QueuedDistribution) -> tuple[Cell | str, ...]:
    wait = _seconds(row.oldest_wait_seconds)
    return (
        row.distribution_id,
        format_count(row.pending),
        Cell(wait, "bad") if row.overdue else wait,
        format_count(row.in_flight),
        format_count(row.in_flight_batches),
        format_count(row.completed),
        Cell(format_count(row.failed), "bad" if row.failed else None),
        _sender(row),
    )


def _sender(row: QueuedDistribution) -> Cell | str:
    if row.holder is not None:
        return Cell(f"pid {row.holder.pid} on {row.holder.host}", "good")
    return Cell("nobody", "warn") if row.pending or row.in_flight else "-"


def _status_summary(status: QueueStatus) -> str:
    covered = sum(row.covered for row in status.rows)
    wildcards = sum(row.pending_wildcards for row in status.rows)
    tags = sum(row.pending_tags for row in status.rows)
    parts = [f"{format_counted(status.pending, 'item')} pending"]
    if wildcards or tags:
        parts.append(f"{format_counted(wildcards, 'wildcard')} and {format_counted(tags, 'tag')} of them")
    if covered:
        parts.append(f"{format_count(covered)} more go with them")
    return f"{', '.join(parts)}\nwindow {status.window_seconds:g} s; {status.file}"


def _troubles(status: QueueStatus) -> list[Part]:
    """What somebody should look at, a line each."""
    lines = []
    for row in status.rows:
        if row.overdue:
            lines.append(f"{row.distribution_id}: {format_counted(row.overdue, 'item')} past the deadline")
        if row.unconfirmed_batches:
            number = format_counted(row.unconfirmed_batches, "batch", "batches")
            lines.append(f"{row.distribution_id}: {number} unconfirmed, sent again under the same reference")
        if row.error:
            lines.append(f"{row.distribution_id}: {row.error}")
        if row.holder is None and (row.pending or row.in_flight):
            lines.append(f"{row.distribution_id}: nobody sends; perfctl cdn queue run does")
    return [Text("\n".join(lines), "warn")] if lines else []


def _items(items: tuple[QueuedItem, ...], title: str | None) -> Table:
    columns = (
        Column("id", "right"),
        Column("waits", "right"),
        Column("asked", "right"),
        Column("distribution", from_width=100),
        Column("item", wraps=True),
    )
    rows = tuple(
        (
            str(item.id),
            _seconds(item.waiting_seconds),
            f"{format_count(item.asked)}x",
            item.distribution_id,
            item.item,
        )
        for item in items
    )
    return Table(columns, rows, title=title)


def _failures(items: tuple[QueuedItem, ...]) -> Table | None:
    if not items:
        return None
    columns = (Column("id", "right"), Column("item", wraps=True), Column("why", wraps=True))
    rows = tuple((str(item.id), item.item, Cell(item.error or "-", "bad")) for item in items)
    return Table(columns, rows, title="failed", caption="perfctl cdn queue cancel ID --failed forgets one")


def _turn_row(row: QueueTurn) -> tuple[Cell | str, ...]:
    return (
        Cell(row.outcome, _OUTCOMES[row.outcome]),
        row.distribution_id,
        format_count(row.sent_batches),
        format_count(row.sent),
        format_count(row.completed),
        Cell(format_count(row.failed), "bad" if row.failed else None),
        format_count(row.pending),
        format_count(row.in_flight),
    )


def _turn_notes(row: QueueTurn) -> list[str]:
    notes = []
    if row.resent_batches:
        number = format_counted(row.resent_batches, "batch", "batches")
        notes.append(f"{row.distribution_id}: {number} of a run that ended sent again under the same reference")
    if row.widened:
        notes.append(f"{row.distribution_id}: {format_counted(row.widened, 'item')} went as whole folders")
    if row.holder is not None:
        notes.append(f"{row.distribution_id}: pid {row.holder.pid} on {row.holder.host} sends")
    if row.outcome == "no room":
        notes.append(f"{row.distribution_id}: the rest waits for others to complete")
    return notes


def _queued_line(row: Queued) -> str:
    lines = [
        f"{row.distribution_id}: {format_counted(len(row.queued), 'item')} queued, {format_count(row.pending)} pending"
    ]
    if row.repeated:
        lines.append(f"  {format_count(len(row.repeated))} there already, sent once")
    if row.covered:
        lines.append(f"  {format_count(len(row.covered))} covered by a queued wildcard")
    if row.absorbed:
        lines.append(f"  {format_count(row.absorbed)} queued before, covered by a wildcard of these")
    return "\n".join(lines)


def _months(spent: InvalidationSpending) -> Table | None:
    if spent.items is None:
        return None
    columns = (Column("month"), Column("items", "right"), Column("free left", "right"), Column("cost $", "right"))
    rows = tuple(
        (
            month.month,
            format_count(month.items),
            format_count(month.free_left),
            Cell(f"{month.cost_usd:.3f}", "strong" if month.cost_usd else None),
        )
        for month in spent.months
    )
    return Table(columns, rows, empty=f"no invalidation since {spent.since[:10]}")


def _folders(spent: InvalidationSpending) -> Table | None:
    if not spent.folders:
        return None
    columns = (
        Column("items", "right"),
        Column("share", "right"),
        Column("price $", "right"),
        Column("distribution"),
        Column("folder", wraps=True),
    )
    rows = tuple(
        (format_count(row.items), format_ratio(row.share), f"{row.price_usd:.3f}", row.distribution_id, row.folder)
        for row in spent.folders
    )
    return Table(columns, rows, title="where the items go")


def _repeated(spent: InvalidationSpending) -> Table | None:
    if not spent.repeated:
        return None
    columns = (Column("times", "right"), Column("price $", "right"), Column("distribution"), Column("item", wraps=True))
    rows = tuple(
        (format_count(row.times), f"{row.price_usd:.3f}", row.distribution_id, row.item) for row in spent.repeated
    )
    return Table(columns, rows, title="asked for again and again")


def _billed(spent: InvalidationSpending) -> Table | None:
    if not spent.rows and spent.items is not None:
        return None
    columns = (
        Column("created utc"),
        Column("status"),
        Column("distribution"),
        Column("invalidation"),
        Column("items", "right"),
        Column("first item", wraps=True, from_width=100),
    )
    rows = tuple(
        (
            (row.created_at or "-")[:19].replace("T", " "),
            Cell(row.status, _STATES[row.status]),
            row.distribution_id,
            row.invalidation_id,
            "-" if row.items is None else format_count(row.items),
            row.first_item or "-",
        )
        for row in spent.rows[:_MOST_BILLED]
    )
    more = len(spent.rows) - len(rows)
    caption = f"{format_count(more)} more: -o json has all" if more else None
    return Table(columns, rows, caption=caption, empty=f"no invalidation since {spent.since[:10]}")


def _spending_summary(spent: InvalidationSpending) -> str:
    where = "the whole account" if spent.is_whole_account else ", ".join(spent.distributions[:3])
    text = f"{format_counted(spent.invalidations, 'invalidation')} since {spent.since[:10]}, {where}"
    if spent.items is None:
        return f"{text}; --cost asks what they held"
    price = f"${spent.item_price_usd:g} an item beyond {format_count(spent.free_items)} a month"
    return f"{text}\n{format_counted(spent.items, 'item')}; {price}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration_ms(seconds * 1000)
