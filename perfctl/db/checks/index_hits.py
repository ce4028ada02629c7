"""How many blocks of indexes were in the buffer cache when they were asked for?"""

from __future__ import annotations

from perfctl.db.checks.buffer_hits import LIMITS, judge_of
from perfctl.db.checks.rule import Rule

RULE = Rule(
    name="index_hits",
    area="caches",
    judge=judge_of("indexes"),
    question="check_index_hits",
    limits=LIMITS,
    unit="ratio",
)
