"""Does the planner know what the disk can do?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST_BLOCKS = 10_000
FAST_MS = 0.5
"""A spinning disk takes some 5 ms for a random page; an SSD, or the operating system's cache, less than this."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """random_page_cost as for a spinning disk, where reads were measured to be fast."""
    row = rows[0]
    ratio = row["random_page_cost"] / row["seq_page_cost"] if row["seq_page_cost"] else 1.0
    told = f"random_page_cost {row['random_page_cost']:g}"
    if ratio < 2:
        return Verdict(observed=told)
    if not row["is_timed"] or row["blocks_read"] < LEAST_BLOCKS:
        return Verdict(observed=f"{told}; how fast reads are was not measured (track_io_timing)")
    each = row["read_ms"] / row["blocks_read"]
    if each >= FAST_MS:
        return Verdict(observed=f"{told}, and a page takes {each:.2f} ms to read")
    return Verdict(
        observed=f"{told} is for spinning disks, and a page takes {each:.3f} ms here",
        fix="ALTER SYSTEM SET random_page_cost = 1.1; SELECT pg_reload_conf();",
        status="warn",
    )


RULE = Rule(name="settings_planner", area="settings", judge=judge, question="check_planner", per_database=False)
