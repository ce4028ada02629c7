"""Is WAL archived? A failing archiver keeps all of it, and a restore ends where it failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_counted, format_duration_ms

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """Failing when its last attempt failed."""
    row = rows[0]
    if row["mode"] == "off":
        return Verdict(observed="archive_mode is off: nothing is archived")
    if row["is_failing"]:
        when = f"{format_duration_ms(row['failed_seconds'] * 1000)} ago, {format_counted(row['failed'], 'time')}"
        return Verdict(
            observed=f"archiving {row['last_failed']} failed {when}",
            fix="run archive_command by hand as the server's user; its error is in the server's log",
            status="fail",
        )
    return Verdict(
        observed=f"{row['archived']} segments archived, {format_counted(row['failed'], 'attempt')} failed before"
    )


RULE = Rule(name="archiver", area="archiving", judge=judge, question="check_archiver", per_database=False)
