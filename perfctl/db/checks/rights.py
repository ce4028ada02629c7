"""May this role see what the checks look at? Without, some are silently about its own sessions alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(_rows: Sequence[Record], _limits: Limits, server: Server) -> Verdict:
    """A superuser and pg_monitor see everything."""
    if server.facts["superuser"] or server.facts["reads_statistics"]:
        return Verdict(observed=f"{server.role} sees every statistic")
    return Verdict(
        observed=f"{server.role} sees its own sessions and statements alone",
        fix=f'GRANT pg_monitor TO "{server.role}";',
        status="warn",
    )


RULE = Rule(name="rights", area="rights", judge=judge, per_database=False)
