"""Which indexes were never finished? They cost writes and serve nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """What CREATE INDEX CONCURRENTLY left behind; one that is being built now does not count."""
    invalid = [row["name"] for row in rows if not row["is_valid"] and not row["is_being_built"]]
    if not invalid:
        return Verdict(observed="every index is valid", value=0.0)
    return Verdict(
        observed=f"{format_counted(len(invalid), 'index is', 'indexes are')} invalid",
        value=len(invalid),
        objects=invalid,
        fix=f"REINDEX INDEX CONCURRENTLY {invalid[0]}; or DROP INDEX CONCURRENTLY {invalid[0]};",
    )


RULE = Rule(name="invalid_indexes", area="indexes", judge=judge, question="check_indexes", limits=Limits(1))
