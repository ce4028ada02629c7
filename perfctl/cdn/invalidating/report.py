"""What an invalidation's report says: planned or sent, how far, at which price, is the edge fresh (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from perfctl.cdn.invalidating.choosing import Chosen
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.model.invalidations import (
    EdgeProof,
    Invalidation,
    InvalidationReport,
    InvalidationState,
    SentInvalidation,
)
from perfctl.cdn.model.preloads import PreloadReport
from perfctl.cdn.model.queue import Queued
from perfctl.cdn.paths import ITEM_PRICE_USD, Items, batches, is_wildcard

BATCH_SECONDS = 25.0
"""What the service states for 95 of 100 batches; the next batch of wildcards waits for the one before."""


def is_fresh(answer: EdgeAnswer, since_sent_seconds: float) -> bool:
    """Whether the edge's answer was made after the invalidation was sent."""
    if answer.cache in ("miss", "refresh-hit"):
        return True
    return answer.age_seconds is not None and answer.age_seconds <= since_sent_seconds


def planned(targets: Sequence[str], items: Items) -> list[SentInvalidation]:
    """The batches that would be sent, for a dry run; where there is nothing to send, all of it is done."""
    rounds = list(batches(items))
    if not rounds:
        return [SentInvalidation(target, None, "Completed", 0, 0) for target in targets]
    return [
        SentInvalidation(target, None, "planned", len(batch), sum(map(is_wildcard, batch)))
        for target in targets
        for batch in rounds
    ]


def as_queued(rows: Sequence[Queued]) -> list[SentInvalidation]:
    """What was put into the queue, a row a distribution."""
    return [
        SentInvalidation(
            row.distribution_id,
            None,
            "queued",
            len(row.queued) + len(row.repeated) + len(row.covered),
            sum(map(is_wildcard, (*row.queued, *row.repeated, *row.covered))),
        )
        for row in rows
    ]


def report_of(
    chosen: Chosen,
    sent: Sequence[SentInvalidation],
    *,
    waited_seconds: float = 0.0,
    verified: Sequence[EdgeProof] = (),
    dry_run: bool = False,
    item_price_usd: float = ITEM_PRICE_USD,
    free_left: int | None = None,
    preloaded: PreloadReport | None = None,
    queued: Sequence[Queued] = (),
) -> InvalidationReport:
    """The whole call in one result; its status is that of the batch that is least far."""
    items = chosen.items
    distributions = len({one.distribution_id for one in sent})
    return InvalidationReport(
        distribution_id=sent[0].distribution_id,
        invalidation_id=sent[0].invalidation_id,
        status=_least_advanced(sent),
        paths=items.all,
        items=len(items.all) * distributions,
        wildcards=len(items.wildcards) * distributions,
        tags=len(items.tags) * distributions,
        dropped=items.dropped,
        cost_usd=round(len(items.all) * item_price_usd * distributions, 6),
        waited_seconds=round(waited_seconds, 3),
        dry_run=dry_run,
        invalidations=tuple(sent),
        verified=tuple(verified),
        strategy=chosen.strategy,
        objects=chosen.objects,
        collateral_weight=chosen.collateral_weight,
        collateral_ratio=chosen.collateral_ratio,
        skipped=chosen.skipped,
        free_left=free_left,
        rounds=items.rounds,
        estimated_seconds=items.rounds * BATCH_SECONDS,
        preloaded=preloaded,
        queued=tuple(queued),
    )


def _least_advanced(sent: Sequence[SentInvalidation]) -> InvalidationState:
    order: tuple[InvalidationState, ...] = ("failed", "planned", "queued", "InProgress", "Completed")
    return min((one.status for one in sent), key=order.index)


def as_sent(row: Invalidation) -> SentInvalidation:
    """One that was found, in the shape in which it can be waited for."""
    return SentInvalidation(row.distribution_id, row.invalidation_id, row.status, row.items or 0, row.wildcards or 0)
