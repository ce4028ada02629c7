"""Sending: once, within the limits, one process at a time, whatever goes wrong."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from pathlib import Path

import pytest

from perfctl.aws import AwsCallError, ThrottledError, UnavailableError
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.paths import Items, plan
from perfctl.cdn.queue import leases
from perfctl.cdn.queue.leases import Holder
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.cdn.queue.store import Store
from perfctl.errors import AuthError, LockedError, TimedOutError, UnreachableError, UsageError
from tests.unit.cdn.queue.conftest import OpenQueue


def _wildcards(number: int, prefix: str = "w") -> Items:
    return plan([f"/{prefix}/{index}/*" for index in range(number)])


def _paths(number: int) -> Items:
    return plan([f"/{index}" for index in range(number)])


def test_a_pass_waits_for_the_window_and_sends_all_in_one_batch(
    queue: InvalidationQueue, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    queue.add("E1SHOP", plan(["/a"]))
    clock.seconds += 1.5
    queue.add("E1SHOP", plan(["/b", "/a"]))
    done = asyncio.run(queue.run())
    assert (done.sent, done.rows[0].sent_batches, done.took_seconds, control.items_paid) == (2, 1, 0.5, 2)


def test_a_pass_does_not_wait_for_long_windows(opened: OpenQueue) -> None:
    queue = opened(window_seconds=60.0)
    queue.add("E1SHOP", plan(["/a"]))
    (row,) = asyncio.run(queue.run()).rows
    assert (row.outcome, row.pending) == ("not due", 1)


def test_the_next_pass_notes_what_has_completed(queue: InvalidationQueue, clock: VirtualClock) -> None:
    queue.add("E1SHOP", plan(["/a"]))
    asyncio.run(queue.run())
    clock.seconds += 30
    assert asyncio.run(queue.run()).completed == 1
    assert queue.status().rows[0].completed == 1


def test_room_is_left_to_others_and_no_limit_is_met(queue: InvalidationQueue, control: MemoryCloudFront) -> None:
    queue.add("E1SHOP", _wildcards(40))
    (row,) = asyncio.run(queue.run()).rows
    assert (row.outcome, row.sent, row.pending) == ("no room", 13, 27)
    asyncio.run(control.create_invalidation("E1SHOP", ["/mine/*", "/yours/*"], "by hand"))


def test_what_others_have_in_progress_beyond_their_part_is_counted(
    queue: InvalidationQueue, control: MemoryCloudFront
) -> None:
    asyncio.run(control.create_invalidation("E1SHOP", [f"/h/{number}/*" for number in range(9)], "by hand"))
    queue.add("E1SHOP", _wildcards(40))
    assert asyncio.run(queue.run()).sent == 6


def test_exact_paths_go_though_wildcards_have_no_room(queue: InvalidationQueue) -> None:
    queue.add("E1SHOP", _wildcards(14))
    asyncio.run(queue.run())
    queue.add("E1SHOP", plan(["/a"]))
    (row,) = asyncio.run(queue.run()).rows
    assert (row.sent, row.pending) == (1, 1)


def test_a_drain_waits_for_room_and_for_the_last_completion(
    queue: InvalidationQueue, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    started = clock.seconds
    queue.add("E1SHOP", _wildcards(40))
    queue.add("E2BLOG", _paths(4000))
    done = asyncio.run(queue.drain())
    assert (done.sent, done.completed, done.pending, done.in_flight) == (4040, 4040, 0, 0)
    assert clock.seconds - started <= 4 * 27 + 4
    assert control.items_paid == 4040


def test_a_drain_that_takes_too_long_says_what_is_left(queue: InvalidationQueue, control: MemoryCloudFront) -> None:
    control.completion_seconds = 3600.0
    queue.add("E1SHOP", _wildcards(20))
    with pytest.raises(TimedOutError, match="not empty after 60") as caught:
        asyncio.run(queue.drain(timeout_seconds=60))
    assert "7 items pending, 13 in progress" in caught.value.message


def test_a_drain_that_reaches_no_server_says_so_at_once_and_soon_gives_up(
    queue: InvalidationQueue, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    control.faults = deque([UnreachableError("cannot reach it")] * 1000)
    queue.add("E1SHOP", _paths(1))
    started, said = clock.seconds, list[str]()
    with pytest.raises(UnreachableError, match="cannot reach it"):
        asyncio.run(queue.drain(warn=said.append))
    assert set(said) == {"E1SHOP: cannot reach it; trying again"}
    assert 30 <= clock.seconds - started <= 60
    assert queue.status().pending + queue.status().in_flight == 1


def test_refused_for_room_it_waits_for_the_next_completion(
    queue: InvalidationQueue, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    asyncio.run(control.create_invalidation("E1SHOP", [f"/h/{number}/*" for number in range(15)], "by hand"))
    queue.add("E1SHOP", _wildcards(2))
    started = clock.seconds
    done = asyncio.run(queue.drain())
    assert (done.sent, done.rows[0].error) == (2, None)
    assert clock.seconds - started <= 25 + 25 + 4


def test_widening_forgets_folders_instead_of_waiting(queue: InvalidationQueue, control: MemoryCloudFront) -> None:
    queue.add("E1SHOP", plan([f"/{section}/{page:02}*" for section in "abc" for page in range(20)]))
    done = asyncio.run(queue.run(widens=True))
    assert done.rows[0].widened == 60
    assert (done.pending, control.items_paid) == (0, 3)


def test_nothing_is_widened_that_fits(queue: InvalidationQueue, control: MemoryCloudFront) -> None:
    queue.add("E1SHOP", _wildcards(13))
    assert asyncio.run(queue.run(widens=True)).rows[0].widened == 0
    assert control.items_paid == 13


@pytest.mark.parametrize("seed", range(6))
def test_half_of_all_calls_failing_loses_nothing_and_pays_nothing_twice(
    queue: InvalidationQueue, control: MemoryCloudFront, seed: int
) -> None:
    dice = random.Random(seed)
    kinds = (ThrottledError("Rate exceeded"), UnavailableError("503"), TimedOutError("late"), UnreachableError("gone"))
    control.is_accepted_first = bool(seed % 2)
    control.faults = deque(dice.choice(kinds) if dice.random() < 0.7 else None for _ in range(600))
    queue.add("E1SHOP", _wildcards(40))
    queue.add("E1SHOP", _paths(3100))
    done = asyncio.run(queue.drain(timeout_seconds=36_000))
    assert (done.pending, done.in_flight, done.completed) == (0, 0, 3140)
    assert control.items_paid == 3140


def test_an_item_that_the_service_refuses_is_found_and_the_others_go(
    queue: InvalidationQueue, control: MemoryCloudFront
) -> None:
    good = _paths(50)
    queue.add("E1SHOP", Items(exact=(*good.exact[:30], "/not encoded", *good.exact[30:], "/é")))
    done = asyncio.run(queue.drain())
    assert (done.sent, done.failed, control.items_paid) == (50, 2, 50)
    assert sorted(item.item for item in done.failures) == ["/not encoded", "/é"]
    assert all("InvalidArgument" in str(item.error) for item in queue.status().failures)


def test_a_failed_item_that_is_queued_again_is_tried_again(queue: InvalidationQueue) -> None:
    queue.add("E1SHOP", Items(exact=("/é",)))
    asyncio.run(queue.drain())
    assert queue.add("E1SHOP", Items(exact=("/é",))).queued == ("/é",)
    assert queue.status().failed == 0


def test_what_went_with_a_refused_wildcard_goes_by_itself(queue: InvalidationQueue, control: MemoryCloudFront) -> None:
    queue.add("E1SHOP", Items(wildcards=("/a b/*",)))
    queue.add("E1SHOP", Items(exact=("/a b/c", "/d")))
    done = asyncio.run(queue.drain())
    assert ([item.item for item in done.failures], control.items_paid) == (["/a b/*", "/a b/c"], 1)


def test_a_distribution_that_is_not_there_holds_up_no_other(
    queue: InvalidationQueue, control: MemoryCloudFront
) -> None:
    queue.add("E9NONE", plan(["/a"]))
    queue.add("E1SHOP", plan(["/a"]))
    done = asyncio.run(queue.run())
    assert [(row.distribution_id, row.outcome, row.pending) for row in done.rows] == [
        ("E1SHOP", "sent", 0),
        ("E9NONE", "error", 1),
    ]
    assert "NoSuchDistribution" in str(queue.status().rows[0].error)


@pytest.mark.parametrize(
    "fault", [AuthError("who are you?"), UnreachableError("gone"), UsageError("NoSuchDistribution")]
)
def test_a_pass_in_which_nothing_can_be_sent_says_why_and_keeps_all(
    queue: InvalidationQueue, control: MemoryCloudFront, fault: Exception
) -> None:
    queue.add("E1SHOP", plan(["/a"]))
    control.faults = deque([fault] * 9)
    with pytest.raises(type(fault)):
        asyncio.run(queue.run())
    control.faults.clear()
    asyncio.run(queue.drain())
    assert control.items_paid == 1


def test_a_batch_whose_answer_was_lost_is_sent_again_under_its_reference(
    opened: OpenQueue, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    queue = opened()
    queue.add("E1SHOP", plan(["/a", "/b"]))
    control.is_accepted_first = True
    control.faults = deque([None, UnreachableError("the connection broke")])
    with pytest.raises(UnreachableError):
        asyncio.run(queue.run())
    assert queue.status().rows[0].unconfirmed_batches == 1
    queue.add("E1SHOP", plan(["/a"]))
    done = asyncio.run(opened().drain())
    assert (done.rows[0].resent_batches, done.completed, control.items_paid) == (1, 3, 3)


def test_one_process_sends_at_a_time(opened: OpenQueue, file: Path, clock: VirtualClock) -> None:
    queue = opened()
    queue.add("E1SHOP", plan(["/a"]))
    other = Holder()
    with Store(file).writing() as connection:
        assert leases.take(connection, "E1SHOP", other, now=clock.seconds, seconds=120) is None
    with pytest.raises(LockedError, match=f"process {other.pid} on"):
        asyncio.run(queue.run())
    holder = queue.status().rows[0].holder
    assert holder is not None
    assert holder.pid == other.pid
    clock.seconds += 121
    assert asyncio.run(queue.run()).sent == 1


def test_the_lease_of_a_process_that_is_gone_is_taken_over_at_once(
    opened: OpenQueue, file: Path, clock: VirtualClock
) -> None:
    queue = opened()
    queue.add("E1SHOP", plan(["/a"]))
    here = Holder()
    gone = Holder(pid=here.pid, born="1@" + here.born.partition("@")[2])
    with Store(file).writing() as connection:
        leases.take(connection, "E1SHOP", gone, now=clock.seconds, seconds=120)
    assert queue.status().rows[0].holder is None
    assert asyncio.run(queue.run()).sent == 1


def test_a_clock_that_is_set_back_holds_nothing_up(queue: InvalidationQueue, clock: VirtualClock) -> None:
    queue.add("E1SHOP", plan(["/a"]))
    clock.seconds -= 100_000 if clock.seconds > 100_000 else 900
    assert asyncio.run(queue.run()).sent == 1


def test_who_may_not_list_is_served_by_asking_for_each(
    queue: InvalidationQueue, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    control.faults = deque([AuthError("AccessDenied: cloudfront:ListInvalidations")])
    queue.add("E1SHOP", plan(["/a"]))
    asyncio.run(queue.run())
    clock.seconds += 60
    control.faults = deque([AuthError("AccessDenied: cloudfront:ListInvalidations")])
    assert asyncio.run(queue.run()).completed == 1


def test_another_refusal_keeps_the_items_queued(queue: InvalidationQueue, control: MemoryCloudFront) -> None:
    queue.add("E1SHOP", plan(["/a"]))
    control.faults = deque([None, AwsCallError("no", code="SomethingElse")])
    with pytest.raises(AwsCallError):
        asyncio.run(queue.run())
    assert queue.status().pending == 1
