"""Which indexes did nobody read? Each write pays for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict, unavailable
from perfctl.units import format_bytes, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST_DAYS = 7.0
"""Shorter counting misses the weekly job."""
LEAST_COMMITS = 10_000
"""A database that nobody used says nothing of its indexes."""
LEAST_BYTES = 1024 * 1024


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """Indexes of a megabyte and more without a scan that no constraint needs and no foreign key leans on."""
    if rows and (rows[0]["counted_days"] or LEAST_DAYS) < LEAST_DAYS:
        return unavailable(f"counted for {rows[0]['counted_days']:.1f} days only: ask after {LEAST_DAYS:.0f}")
    if rows and rows[0]["commits"] < LEAST_COMMITS:
        return unavailable(f"the database saw {rows[0]['commits']} transactions only: too few to tell")
    unused = [row for row in rows if _is_unused(row)]
    if not unused:
        return Verdict(observed="every index of size was read", value=0.0)
    elsewhere = _elsewhere(rows[0])
    total = sum(row["size_bytes"] for row in unused)
    many = format_counted(len(unused), "index was", "indexes were")
    return Verdict(
        observed=f"{many} never read, {format_bytes(total)}{elsewhere}",
        value=len(unused),
        objects=[f"{row['name']} ({format_bytes(row['size_bytes'])})" for row in unused],
        fix=f"DROP INDEX CONCURRENTLY {unused[0]['name']};",
    )


def _is_unused(row: Record) -> bool:
    needed = row["is_unique"] or row["is_constraint"] or row["serves_foreign_key"]
    return row["scans"] == 0 and not needed and row["is_valid"] and row["size_bytes"] >= LEAST_BYTES


def _elsewhere(row: Record) -> str:
    """Scans on a replica are counted there."""
    unseen = row["replicas"] - row.get("replicas_asked", 0)
    return (
        f"; {format_counted(unseen, 'replica was', 'replicas were')} not asked: name them in database.replica_dsns"
        if unseen > 0
        else ""
    )


RULE = Rule(
    name="unused_indexes", area="indexes", judge=judge, question="check_indexes", limits=Limits(1), on_replica=False,
    asks_replicas=True,
)  # fmt: skip
