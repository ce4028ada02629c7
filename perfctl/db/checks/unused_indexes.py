"""Which indexes did nobody read? Each write pays for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, ReplicaCounts, Rule, Server, Verdict, unavailable
from perfctl.units import format_bytes, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST_DAYS = 7.0
"""Shorter counting misses the weekly job."""
LEAST_COMMITS = 10_000
"""A database that nobody used says nothing of its indexes."""
LEAST_BYTES = 1024 * 1024


def judge(rows: Sequence[Record], _limits: Limits, server: Server) -> Verdict:
    """Indexes of a megabyte and more without a scan, here and on the replicas, that no constraint needs and no foreign
    key leans on."""
    replicas = server.replicas or ReplicaCounts()
    if rows and (days := _counted_days(rows[0], replicas)) < LEAST_DAYS:
        return unavailable(f"counted for {days:.1f} days only: ask after {LEAST_DAYS:.0f}")
    if rows and rows[0]["commits"] < LEAST_COMMITS:
        seen = format_counted(rows[0]["commits"], "transaction")
        return unavailable(f"the database saw {seen} only: too few to tell")
    unused = [row for row in rows if _is_unused(row, replicas)]
    if not unused:
        return Verdict(observed="every index of size was read", value=0.0)
    many, size = len(unused), format_bytes(sum(row["size_bytes"] for row in unused))
    objects = [f"{row['name']} ({format_bytes(row['size_bytes'])})" for row in unused]
    if unasked := max(rows[0]["replicas"] - replicas.asked, replicas.silent):
        away = format_counted(unasked, "replica was", "replicas were")
        return Verdict(
            observed=f"{format_counted(many, 'index was', 'indexes were')} not read here, {size}; {away} not asked",
            objects=objects,
            fix="name each replica in database.replica_dsns: they count for themselves",
            unavailable=True,
        )
    everywhere = " here and on the replicas" if replicas.asked else ""
    return Verdict(
        observed=f"{format_counted(many, 'index was', 'indexes were')} never read{everywhere}, {size}",
        value=many,
        objects=objects,
        fix=f"DROP INDEX CONCURRENTLY {unused[0]['name']};",
    )


def _counted_days(row: Record, replicas: ReplicaCounts) -> float:
    """For how long all of them have counted; statistics that were never reset say nothing, and are old enough."""
    known = [days for days in (row["counted_days"], replicas.counted_days) if days is not None]
    return float(min(known, default=LEAST_DAYS))


def _is_unused(row: Record, replicas: ReplicaCounts) -> bool:
    needed = row["is_unique"] or row["is_constraint"] or row["serves_foreign_key"]
    scans = row["scans"] + replicas.scans.get(row["name"], 0)
    return scans == 0 and not needed and row["is_valid"] and row["size_bytes"] >= LEAST_BYTES


RULE = Rule(
    name="unused_indexes", area="indexes", judge=judge, question="check_indexes", limits=Limits(1), on_replica=False,
    asks_replicas=True,
)  # fmt: skip
