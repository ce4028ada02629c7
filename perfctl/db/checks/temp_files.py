"""How much is sorted and hashed on disk?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST_BYTES = 1024**3
"""Less is no load, however short the counting."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """Bytes of temporary files a day."""
    row = rows[0]
    if row["temp_bytes"] < LEAST_BYTES:
        return Verdict(observed=f"{row['temp_files']} temporary files, {format_bytes(row['temp_bytes'])}", value=0.0)
    daily = row["temp_bytes"] / max(row["days"], 1 / 24)
    return Verdict(
        observed=f"{format_bytes(daily)} a day in {row['temp_files']} files (work_mem {row['work_mem']})",
        value=daily,
        fix="perfctl db slow --by temp names the statements; give their role more work_mem",
    )


RULE = Rule(
    name="temp_files", area="temp", judge=judge, question="check_database_counters", limits=Limits(10 * 1024**3),
    unit="bytes",
)  # fmt: skip
