"""Are statements counted? Without pg_stat_statements nobody can say what was slow yesterday."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.db.doctor import statements_fault

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(_rows: Sequence[Record], _limits: Limits, server: Server) -> Verdict:
    """Loaded, created and readable."""
    fault = statements_fault(server.facts)
    if fault:
        return Verdict(observed=fault[0], fix=fault[1], status="warn")
    return Verdict(observed=f"pg_stat_statements {server.facts['extension_version']} counts")


RULE = Rule(name="statements", area="statistics", judge=judge)
