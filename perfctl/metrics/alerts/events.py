"""Good events and all events of a ratio: what an objective's budget is spent by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.metrics.alerts.ledger import Events
from perfctl.metrics.budgets.judging import observed
from perfctl.metrics.budgets.model import Expression

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame


def events_of(sli: Expression, frame: Frame) -> Events | None:
    """What happened in one frame; None where nothing was recorded of it."""
    share = observed(sli, frame).value
    total = None if share is None else _total(sli, frame)
    return Events(share * total, total) if share is not None and total else None


def _total(sli: Expression, frame: Frame) -> float | None:
    from perfctl.metrics.reading import histogram_of, whole_of

    if sli.within is None:
        return whole_of(frame, sli.metric, dict(sli.labels))
    found = histogram_of(frame, sli.metric, dict(sli.labels))
    return None if found is None else float(found.count)
