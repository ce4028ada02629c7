"""Measuring what the estimate suspects with pgstattuple, where this server has it and this role may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.bloat.estimating import Bloat
from perfctl.db.postgres import quoted
from perfctl.db.questions import in_schema, question
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.db.postgres import Session

MOST_MEASURED = 5
MOST_BYTES = 2 * 1024**3
"""pgstattuple reads an index whole, and of a table what is not known to be all visible: no more than so much."""


async def measured(
    session: Session, suspects: Sequence[Bloat], *, is_index: bool, timeout_seconds: float
) -> list[Bloat]:
    """The suspects, the worst few measured; those that cannot be stay estimated."""
    where = await ask(session, "pgstattuple_place", timeout_seconds=timeout_seconds) if suspects else []
    if not where:
        return list(suspects)
    name = "measured_index_bloat" if is_index else "measured_table_bloat"
    text = in_schema(question(name), quoted(where[0]["schema_name"]))
    order = sorted(suspects, key=lambda each: -each.wasted_bytes)
    first = [await _one(session, text, each, timeout_seconds) for each in order[:MOST_MEASURED]]
    return [*first, *order[MOST_MEASURED:]]


async def _one(session: Session, text: str, suspect: Bloat, timeout_seconds: float) -> Bloat:
    if suspect.size_bytes > MOST_BYTES:
        return suspect
    try:
        rows = await ask(session, text, suspect.oid, suspect.fillfactor, timeout_seconds=timeout_seconds)
    except PerfctlError:
        return suspect  # no right, a lock, too slow: the estimate stands, and says that it is one
    share = rows[0]["share"] if rows else None
    return suspect if share is None else replace(suspect, share=min(share, 1.0), is_measured=True)
