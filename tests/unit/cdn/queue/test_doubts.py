"""What is not certain is never taken for refused: a clock that jumps, two senders, answers that tell nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from perfctl.aws import AwsCallError, ThrottledError, was_repeated
from perfctl.cdn.clock import Time
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.invalidations import Invalidation
from perfctl.cdn.paths import plan
from perfctl.cdn.queue import leases
from perfctl.cdn.queue.leases import Holder
from perfctl.cdn.queue.limits import QueueLimits
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.cdn.queue.store import Store
from perfctl.errors import AuthError, PerfctlError, ServiceError
from tests.unit.cdn.queue.conftest import OpenQueue


def _run(queue: InvalidationQueue) -> PerfctlError | None:
    try:
        asyncio.run(queue.run())
    except PerfctlError as error:
        return error
    return None


class _AnswerError(Exception):
    """As botocore tells of an error: with the attempts that it made before."""

    def __init__(self, attempts: int) -> None:
        super().__init__()
        self.response = {"ResponseMetadata": {"RetryAttempts": attempts}}


def _after(attempts: int) -> AwsCallError:
    error = AwsCallError("AccessDenied", code="SomethingElse")
    error.__cause__ = _AnswerError(attempts)
    return error


@pytest.mark.parametrize("first", [ThrottledError("Rate exceeded"), ServiceError("the answer lacks Id"), _after(1)])
def test_a_batch_that_may_have_been_accepted_keeps_its_reference_whatever_comes_then(
    queue: InvalidationQueue, control: MemoryCloudFront, first: Exception
) -> None:
    queue.add("E1SHOP", plan(["/a"]))
    control.is_accepted_first = True
    control.faults = deque([None, first, *[AuthError("the token has expired")] * 4])
    for _ in range(3):
        _run(queue)
    control.faults.clear()
    asyncio.run(queue.drain())
    assert control.items_paid == 1


def test_only_an_answer_to_the_first_attempt_says_that_nothing_was_done() -> None:
    assert [was_repeated(_after(attempts)) for attempts in (0, 1)] == [False, True]
    assert not was_repeated(AuthError("no credentials"))


@dataclass
class _Suspending:
    """CloudFront for a process that sleeps for minutes within its first call, while `meanwhile` happens."""

    control: MemoryCloudFront
    clock: VirtualClock
    meanwhile: InvalidationQueue | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self.control, name)

    async def create_invalidation(self, name: str, items: Sequence[str], reference: str) -> Invalidation:
        other, self.meanwhile = self.meanwhile, None
        if other is None:
            return await self.control.create_invalidation(name, items, reference)
        self.clock.seconds += 500
        await other.run()
        raise AuthError("the token expired meanwhile")


def test_what_another_sender_sent_meanwhile_is_not_queued_again(
    opened: OpenQueue, control: MemoryCloudFront, clock: VirtualClock, file: Path
) -> None:
    plane = _Suspending(control, clock, opened())

    async def asked() -> MemoryCloudFront:
        return plane  # type: ignore[return-value]

    queue = InvalidationQueue(file, asked, clock.time, QueueLimits())
    queue.add("E1SHOP", plan(["/a", "/b"]))
    _run(queue)
    status = queue.status()
    assert (status.pending, status.in_flight, control.items_paid) == (0, 2, 2)
    asyncio.run(queue.drain())
    assert control.items_paid == 2


def test_a_service_goes_on_when_its_clock_is_set_back(
    opened: OpenQueue, control: MemoryCloudFront, clock: VirtualClock
) -> None:
    queue = opened()
    queue.add("E1SHOP", plan(["/a"]))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await clock.sleep(seconds)
        if len(slept) == 4:
            clock.seconds -= 900
            queue.add("E1SHOP", plan(["/b"]))

    queue.time = Time(now=lambda: clock.seconds, sleep=sleep, jitter=lambda: 1.0)
    done = asyncio.run(queue.run(for_seconds=20.0))
    assert (done.sent, control.items_paid) == (2, 2)
    assert sum(slept) <= 22
    assert done.took_seconds <= 22


def test_a_lease_that_lies_in_the_future_holds_nothing_up(opened: OpenQueue, file: Path, clock: VirtualClock) -> None:
    queue = opened()
    queue.add("E1SHOP", plan(["/a"]))
    before = Holder(born="77@another boot")
    with Store(file).writing() as connection:
        leases.take(connection, "E1SHOP", before, now=clock.seconds + 1e6, seconds=120)
    assert queue.status().rows[0].holder is None
    assert asyncio.run(queue.run()).sent == 1
