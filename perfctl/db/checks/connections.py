"""How near is the server to refusing the next client?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """The share of what is allowed, without what is reserved for superusers."""
    used, idle, available = rows[0]["used"], rows[0]["idle"], rows[0]["available"]
    return Verdict(
        observed=f"{used} of {available} connections in use, {idle} of them idle",
        value=used / available if available > 0 else 1.0,
        fix="close idle ones (perfctl db activity --all), or put a pooler in front; max_connections needs a restart",
    )


RULE = Rule(
    name="connections", area="connections", judge=judge, question="check_connections", limits=Limits(0.8, 0.95),
    unit="ratio", per_database=False,
)  # fmt: skip
