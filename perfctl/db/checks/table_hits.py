"""How many blocks of tables were in the buffer cache when they were asked for?"""

from __future__ import annotations

from perfctl.db.checks.buffer_hits import LIMITS, judge_of
from perfctl.db.checks.rule import Rule

RULE = Rule(
    name="table_hits",
    area="caches",
    judge=judge_of("tables"),
    question="check_table_hits",
    limits=LIMITS,
    unit="ratio",
)
