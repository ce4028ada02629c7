"""Has the server memory for what it holds?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


DEFAULT_BYTES = 128 * 1024**2
"""shared_buffers as initdb leaves it, whatever the machine."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """shared_buffers at initdb's 128 MB under a database of more than eight times that. (The server does not know its
    machine's memory, so a share of that cannot be judged from here.)"""
    row = rows[0]
    buffers, size = int(row["shared_buffers_bytes"]), int(row["database_bytes"] or 0)
    told = f"shared_buffers {format_bytes(buffers)}, this database {format_bytes(size)}"
    if buffers <= DEFAULT_BYTES and size > 8 * DEFAULT_BYTES:
        return Verdict(
            observed=f"{told}: still as initdb left it",
            fix="ALTER SYSTEM SET shared_buffers = a quarter of the machine's memory; and a restart",
            status="warn",
        )
    if int(row["effective_cache_bytes"]) < buffers:
        return Verdict(
            observed=f"{told}; effective_cache_size {format_bytes(int(row['effective_cache_bytes']))} is less",
            fix="ALTER SYSTEM SET effective_cache_size = 3/4 of the machine's memory; SELECT pg_reload_conf();",
            status="warn",
        )
    return Verdict(observed=told)


RULE = Rule(name="settings_memory", area="settings", judge=judge, question="check_memory")
