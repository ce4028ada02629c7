"""Does something end what was forgotten?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.named_settings import QUESTION, values
from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """idle_in_transaction_session_timeout; statement_timeout belongs to roles, so it is told and not judged."""
    now = values(rows)
    statement = now.get("statement_timeout", "0")
    told = "statement_timeout is off" if statement == "0" else f"statement_timeout {int(statement) / 1000:g} s"
    if now.get("idle_in_transaction_session_timeout", "0") != "0":
        return Verdict(observed=f"idle transactions are ended; {told}")
    return Verdict(
        observed=f"a transaction that was forgotten stays open for ever; {told}",
        fix="ALTER SYSTEM SET idle_in_transaction_session_timeout = '10min'; SELECT pg_reload_conf();",
        status="warn",
    )


RULE = Rule(name="settings_timeouts", area="settings", judge=judge, question=QUESTION, per_database=False)
