"""Foreign key triggers take the time: the table that refers to this one has no index on its column.

30 % of the time, and 0.4 ms a call: with an index a check is some hundredths of a millisecond, and the first call of a
session plans its query (about half a millisecond).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanTrigger

if TYPE_CHECKING:
    from perfctl.db.findings.catalog import ForeignKey

YIELDS_TO = ()
MIN_SHARE, MS_A_CALL, FIRST_MS = 0.3, 0.4, 0.8
_FOREIGN_KEY = re.compile(r"RI_ConstraintTrigger|fkey|fk", re.IGNORECASE)


def look(study: Study) -> Iterator[Found]:
    """Triggers of constraints."""
    for trigger in study.report.triggers:
        calls = max(trigger.calls, 1.0)
        share = min(trigger.time_ms / study.total_ms, 1.0) if study.total_ms else 0.0
        key = study.foreign_key(trigger.name)
        if key is None and not _FOREIGN_KEY.search(trigger.name):
            continue
        if share < MIN_SHARE or trigger.time_ms < FIRST_MS + calls * MS_A_CALL or (key and key.is_indexed):
            continue
        yield _found(study, trigger, key, share)


def _found(study: Study, trigger: PlanTrigger, key: ForeignKey | None, share: float) -> Found:
    return study.found(
        study.report.plan,
        severity="warning",
        share=share,
        evidence=f"{trigger.name}: {count(trigger.calls)} calls, {trigger.time_ms:.1f} ms"
        f" ({trigger.time_ms / max(trigger.calls, 1.0):.2f} ms each): {percent(share)} of the time",
        cause=f"each row that goes is looked for in {key.table if key else 'the table that refers to it'}, row by row",
        next_step=f"CREATE INDEX CONCURRENTLY ON {key.table} ({', '.join(key.columns)})"
        if key
        else f"CREATE INDEX CONCURRENTLY on the columns of {trigger.name} in the table that refers to this one",
        subject=trigger.name,
    )
