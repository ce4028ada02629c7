"""Sending and waiting: nothing is lost, nothing is paid twice, and no limit is tripped."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import deque

import pytest

from perfctl.aws import AwsCallError, ThrottledError, UnavailableError
from perfctl.cdn.cloudfront import TooManyInProgressError
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.invalidating.choosing import Choosing
from perfctl.cdn.invalidating.sending import caller_reference, poll_delays
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.invalidations import InvalidationReport, SentInvalidation, Waiting
from perfctl.cdn.planning import Inventory, Prices
from perfctl.errors import AuthError, TimedOutError, UnreachableError
from perfctl.sandbox.edge.invalidations import scope_of


def _invalidate(engine: CloudFrontOptimizer, *paths: str, **options: object) -> InvalidationReport:
    return asyncio.run(engine.invalidate_content(paths, **options))  # type: ignore[arg-type]


def test_without_wait_it_returns_as_soon_as_it_is_accepted(engine: CloudFrontOptimizer, clock: VirtualClock) -> None:
    report = _invalidate(engine, "/a", "/img/*")
    assert report == InvalidationReport(
        distribution_id="E1SHOP",
        invalidation_id="I0000000000000",
        status="InProgress",
        paths=("/img/*", "/a"),
        items=2,
        wildcards=1,
        tags=0,
        dropped=0,
        cost_usd=0.01,
        waited_seconds=0.0,
        dry_run=False,
        invalidations=(SentInvalidation("E1SHOP", "I0000000000000", "InProgress", 2, 1),),
        rounds=1,
        estimated_seconds=25.0,
    )
    assert clock.pauses == []


def test_wait_polls_fast_and_returns_when_it_is_complete(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    control.completion_seconds = 9.0
    told: list[Waiting] = []
    report = _invalidate(engine, "/a", wait=True, tell=told.append)
    assert (report.status, report.waited_seconds) == ("Completed", 9.5)
    assert clock.pauses == [1.0, 1.0, 1.5, 1.5, 1.5, 1.5, 1.5]
    assert told[-1] == Waiting(done=1, total=1, waited_seconds=9.5)


@pytest.mark.parametrize("tenths", range(1, 590, 7))
def test_completion_within_a_minute_is_noticed_within_two_seconds(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, tenths: int
) -> None:
    control.completion_seconds = tenths / 10
    assert 0 <= _invalidate(engine, "/a", wait=True).waited_seconds - tenths / 10 <= 2


def test_polling_settles_at_five_seconds_after_a_minute() -> None:
    delays = list(itertools.islice(poll_delays(), 44))
    assert (sum(delays[:40]), delays[40:]) == (59.0, [2, 3, 5, 5])


def test_what_takes_too_long_names_the_invalidation_and_how_to_ask_again(
    engine: CloudFrontOptimizer, control: MemoryCloudFront
) -> None:
    control.completion_seconds = 3600.0
    with pytest.raises(TimedOutError) as caught:
        _invalidate(engine, "/a", wait=True, wait_timeout_seconds=60)
    assert "I0000000000000 at E1SHOP: still in progress after 60" in caught.value.message
    assert caught.value.hint == "perfctl cdn status I0000000000000 --wait --distribution E1SHOP"


def test_the_last_look_is_when_the_time_is_over(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.completion_seconds = 0.1
    report = _invalidate(engine, "/a", wait=True, wait_timeout_seconds=0.1)
    assert (report.status, report.waited_seconds) == ("Completed", 0.1)


def test_a_throttled_call_is_repeated_and_paid_once(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    control.faults = deque([ThrottledError("Rate exceeded"), UnavailableError("503"), None])
    assert _invalidate(engine, "/a").status == "InProgress"
    assert control.items_paid == 1
    assert clock.pauses == [2.0, 4.0]


def test_a_time_out_after_acceptance_is_not_paid_twice(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.is_accepted_first = True
    control.faults = deque([TimedOutError("late"), TimedOutError("late"), None])
    assert _invalidate(engine, "/a").invalidation_id == "I0000000000000"
    assert control.items_paid == 1


def test_a_service_that_never_answers_is_asked_three_times(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    control.faults = deque([TimedOutError("late")] * 20)
    with pytest.raises(TimedOutError):
        _invalidate(engine, "/a")
    assert clock.pauses == [2.0, 4.0]


def test_pauses_grow_to_twenty_seconds_and_then_the_refusal_is_told(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    control.faults = deque([ThrottledError("Rate exceeded")] * 20)
    with pytest.raises(ThrottledError):
        _invalidate(engine, "/a")
    assert clock.pauses == [2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0]


@pytest.mark.parametrize(
    "fault", [AuthError("who?"), UnreachableError("gone"), AwsCallError("no", code="InvalidArgument")]
)
def test_what_cannot_get_better_is_not_repeated(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, clock: VirtualClock, fault: Exception
) -> None:
    control.faults = deque([fault])
    with pytest.raises(type(fault)):
        _invalidate(engine, "/a")
    assert clock.pauses == []


def test_a_second_run_with_the_same_paths_is_a_second_invalidation(
    engine: CloudFrontOptimizer, control: MemoryCloudFront
) -> None:
    assert _invalidate(engine, "/a").invalidation_id != _invalidate(engine, "/a").invalidation_id
    assert control.items_paid == 2


def test_the_reference_is_that_of_the_paths_whatever_their_order() -> None:
    assert caller_reference("E1", ["/a", "/b"], "run") == caller_reference("E1", ["/b", "/a"], "run")
    assert caller_reference("E1", ["/a"], "run") != caller_reference("E1", ["/a"], "next run")
    assert caller_reference("E1", ["/a"], "run") != caller_reference("E2", ["/a"], "run")


def test_a_full_quota_says_what_is_in_progress(engine: CloudFrontOptimizer) -> None:
    _invalidate(engine, *(f"/{number}/*" for number in range(14)), "/a")
    with pytest.raises(TooManyInProgressError) as caught:
        _invalidate(engine, "/x/*", "/y/*")
    assert "in progress at E1SHOP: 1 batch with 1 paths and 14 wildcards (I0000000000000)" in caught.value.message
    assert (caught.value.exit_code, caught.value.hint) == (9, "add --wait, and perfctl waits for room")


def test_with_wait_a_full_quota_is_waited_for(engine: CloudFrontOptimizer, clock: VirtualClock) -> None:
    _invalidate(engine, *(f"/{number}/*" for number in range(15)))
    told: list[Waiting] = []
    report = _invalidate(engine, "/x/*", wait=True, tell=told.append)
    assert report.status == "Completed"
    assert told[0].for_room


def test_no_room_in_time_is_a_time_out(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.completion_seconds = 3600.0
    _invalidate(engine, *(f"/{number}/*" for number in range(15)))
    with pytest.raises(TimedOutError, match="no room for the invalidation at E1SHOP within"):
        _invalidate(engine, "/x/*", wait=True, wait_timeout_seconds=30)


def test_more_than_fits_at_once_goes_out_in_rounds(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    paths = [f"/{number}" for number in range(7001)] + [f"/w/{number}/*" for number in range(31)]
    report = _invalidate(engine, *paths, wait=True)
    assert report.status == "Completed"
    assert [one.items for one in report.invalidations] == [3000, 3000, 1032]
    assert control.items_paid == report.items == len(paths)


def test_a_round_that_fails_after_others_were_sent_is_in_the_report(
    engine: CloudFrontOptimizer, control: MemoryCloudFront
) -> None:
    control.completion_seconds = 3600.0
    report = _invalidate(engine, *(f"/{number}" for number in range(3001)), wait_timeout_seconds=10)
    assert report.status == "failed"
    assert [one.status for one in report.invalidations] == ["InProgress", "failed"]
    assert report.invalidations[1].error is not None


def test_several_distributions_are_each_told_and_paid(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    report = _invalidate(engine, "/a", distributions=["www.example.com", "E2BLOG"], wait=True)
    assert [one.distribution_id for one in report.invalidations] == ["E1SHOP", "E2BLOG"]
    assert (report.items, report.cost_usd, control.items_paid) == (2, 0.01, 2)


@pytest.mark.parametrize("seed", range(20))
def test_half_of_all_calls_failing_loses_nothing_and_pays_nothing_twice(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, seed: int
) -> None:
    dice = random.Random(seed)
    kinds = (ThrottledError("Rate exceeded"), UnavailableError("503"), TimedOutError("late"))
    control.is_accepted_first = bool(seed % 2)
    control.faults = deque(dice.choice(kinds) if dice.random() < 0.5 else None for _ in range(400))
    report = _invalidate(engine, *(f"/{number}/*" for number in range(40)), wait=True)
    assert report.status == "Completed"
    assert control.items_paid == 40


@pytest.mark.parametrize("seed", range(12))
def test_the_cheapest_cover_loses_nothing_and_is_paid_once_whatever_fails(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, seed: int
) -> None:
    dice = random.Random(seed)
    keys = ["/" + "".join(dice.choice("abc/") for _ in range(6)) for _ in range(400)]
    inventory = Inventory.of([(key, dice.randrange(9)) for key in keys], tags={"x": keys[:30], "y": keys[20:70]})
    changed = dice.sample(keys, 120)
    how = Choosing("cheapest", inventory, Prices(0.005, 0.001))
    kinds = [ThrottledError("Rate exceeded")] * 5 + [UnavailableError("503")] * 2 + [TimedOutError("late")]
    control.is_accepted_first = bool(seed % 2)
    control.faults = deque([None, *(dice.choice(kinds) if dice.random() < 0.6 else None for _ in range(400))])
    report = _invalidate(engine, *changed, wait=True, choosing=how)
    scope = scope_of(report.paths)
    tagged = {key: frozenset(tag for tag, keys in inventory.tags.items() if key in keys) for key in changed}
    assert report.status == "Completed"
    assert all(scope.covers(key, tagged[key]) for key in changed)
    assert control.items_paid == report.items == len(report.paths)


def test_who_waits_in_vain_is_told_what_was_never_sent(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.completion_seconds = 3600.0
    control.faults = deque([None, None, None, AwsCallError("AccessDenied here", code="Forbidden")])
    with pytest.raises(TimedOutError) as caught:
        _invalidate(engine, "/a", distributions=["E1SHOP", "E2BLOG"], wait=True, wait_timeout_seconds=30)
    assert "I0000000000000 at E1SHOP: still in progress" in caught.value.message
    assert "1 item not sent to E2BLOG: AccessDenied here" in caught.value.message


def test_free_items_are_told_of_the_whole_account_alone(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    _invalidate(engine, "/a")
    assert asyncio.run(engine.free_items_left()) == 999
    control.faults = deque([AuthError("AccessDenied: cloudfront:ListDistributions")])
    assert asyncio.run(engine.free_items_left()) is None
