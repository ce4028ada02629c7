"""Which constraints does nobody know to hold? The planner does not use them, and old rows may break them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """Those that were added NOT VALID and never validated."""
    if not rows:
        return Verdict(observed="every constraint is valid", value=0.0)
    many = format_counted(len(rows), "constraint is", "constraints are")
    return Verdict(
        observed=f"{many} NOT VALID; {rows[0]['name']} on {rows[0]['table_name']}",
        value=len(rows),
        objects=[f"{row['name']} on {row['table_name']}" for row in rows],
        fix=f'ALTER TABLE {rows[0]["table_name"]} VALIDATE CONSTRAINT "{rows[0]["name"]}";',
    )


RULE = Rule(
    name="not_valid_constraints", area="constraints", judge=judge, question="check_not_valid_constraints",
    limits=Limits(1),
)  # fmt: skip
