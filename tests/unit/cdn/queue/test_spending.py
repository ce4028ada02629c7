"""What invalidations cost: the month's items, whoever sent them."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perfctl.aws import ThrottledError
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.spending import CostLeader, InvalidationSpending, MonthSpent, RepeatedItem
from perfctl.config import CDNConfig
from perfctl.errors import AuthError

NOVEMBER = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
DAY = 86_400.0


@pytest.fixture
def engine(control: MemoryCloudFront, clock: VirtualClock, file: Path) -> CloudFrontOptimizer:
    clock.seconds = NOVEMBER
    config = CDNConfig(distribution_id="E1SHOP", queue_file=str(file), free_invalidations=5)
    return CloudFrontOptimizer(config, control=control, time=clock.time)


def _send(control: MemoryCloudFront, *items: str, at: str = "E1SHOP") -> None:
    asyncio.run(control.create_invalidation(at, items, str(len(control._by_id))))


def _spent(engine: CloudFrontOptimizer, **options: object) -> InvalidationSpending:
    return asyncio.run(engine.invalidation_spending(**options))  # type: ignore[arg-type]


def test_the_month_of_the_whole_account_is_counted_and_what_is_free_is_left_out(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    clock.seconds -= 30 * DAY
    _send(control, "/october")
    clock.seconds += 30 * DAY
    _send(control, "/img/a", "/img/*", "#t")
    _send(control, "/img/a", "/b", "/c", at="E2BLOG")
    _send(control, "/img/a")
    spent = _spent(engine, with_items=True)
    assert (spent.since, spent.is_whole_account, spent.invalidations) == ("2026-11-01T00:00:00+00:00", True, 3)
    assert (spent.items, spent.wildcards, spent.tags) == (7, 1, 1)
    assert spent.months == (MonthSpent("2026-11", 7, 0, 0.01),)
    assert spent.folders[0] == CostLeader("E1SHOP", "/img/", 3, 0.4286, 0.015)
    assert spent.repeated == (RepeatedItem("E1SHOP", "/img/a", 2, 0.01),)
    assert [row.items for row in spent.rows] == [1, 3, 3]


def test_months_are_counted_whole_though_the_rows_begin_later(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    clock.seconds -= 10 * DAY
    _send(control, *(f"/{number}" for number in range(6)))
    clock.seconds += 10 * DAY
    _send(control, "/late")
    spent = _spent(engine, with_items=True, since=datetime.fromtimestamp(clock.seconds - DAY, UTC))
    assert (spent.items, spent.months) == (1, (MonthSpent("2026-11", 7, 0, 0.01),))


def test_without_the_cost_nobody_is_asked_what_they_held(
    engine: CloudFrontOptimizer, control: MemoryCloudFront
) -> None:
    _send(control, "/a")
    spent = _spent(engine)
    assert (spent.invalidations, spent.items, spent.months, spent.rows[0].items) == (1, None, (), None)


def test_what_a_completed_one_held_is_asked_for_once(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    for number in range(130):
        _send(control, f"/{number}")
        clock.seconds += 1
    clock.seconds += 60
    told: list[tuple[int, int]] = []
    first = _spent(engine, with_items=True, tell=lambda done, total: told.append((done, total)))
    assert told[-1] == (130, 130)
    control.faults = deque([None] * 4 + [AssertionError("asked again")])
    assert _spent(engine, with_items=True) == first


def test_throttling_is_met_with_another_try(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    _send(control, "/a")
    control.faults = deque([None, ThrottledError("Rate exceeded"), None, None, ThrottledError("Rate exceeded")])
    assert _spent(engine, with_items=True).items == 1


def test_who_may_not_list_the_account_is_told_of_the_configured_one(
    engine: CloudFrontOptimizer, control: MemoryCloudFront
) -> None:
    _send(control, "/a", at="E2BLOG")
    control.faults = deque([AuthError("AccessDenied: cloudfront:ListDistributions")])
    spent = _spent(engine, with_items=True)
    assert (spent.distributions, spent.is_whole_account, spent.items) == (("E1SHOP",), False, 0)
