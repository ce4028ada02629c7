"""Sending invalidations and waiting for them: retried without paying twice, never over the service's limits."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import TypeVar

from perfctl.aws import ThrottledError, UnavailableError
from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ControlPlane, TooManyInProgressError
from perfctl.cdn.model.invalidations import Invalidation, SentInvalidation, Waiting
from perfctl.cdn.paths import Items, batches, is_wildcard
from perfctl.errors import PerfctlError, ServiceError, TimedOutError
from perfctl.units import format_duration_ms

T = TypeVar("T")

ATTEMPTS = 8
"""Of a call that is throttled or fails on the service's side, where no time to wait was given."""
LATE_ATTEMPTS = 3
"""Of a call that is not answered: each of them is as long as --timeout."""
LONGEST_PAUSE_SECONDS = 20.0
_FIRST_DELAYS = (1.0, 1.0, *(1.5,) * 38)
"""Of the first minute, in which nearly all complete: what is complete is noticed within 2 s."""
_LATER_DELAYS = (2.0, 3.0)
_LAST_DELAY = 5.0


def poll_delays() -> Iterator[float]:
    """1, 1, then 1.5 s for a minute, then 2, 3 and 5 seconds: the service states 25 s for 95 of 100 batches."""
    yield from (*_FIRST_DELAYS, *_LATER_DELAYS)
    while True:
        yield _LAST_DELAY


def caller_reference(distribution_id: str, items: Sequence[str], run_id: str) -> str:
    """The idempotency key of a batch: the same for each attempt of one run, another for the next run."""
    text = "\n".join((distribution_id, run_id, *sorted(items)))
    return "perfctl-" + hashlib.sha256(text.encode()).hexdigest()


class Sender:
    """Sends to one control plane and waits there; `wait_until` is a moment of the clock in `time`."""

    def __init__(
        self, control: ControlPlane, *, time: Time | None = None, tell: Callable[[Waiting], None] | None = None
    ) -> None:
        self._control = control
        self._time = time or Time()
        self._tell = tell or (lambda waiting: None)

    async def send(
        self, distribution_id: str, items: Items, *, run_id: str, wait: bool, wait_until: float
    ) -> list[SentInvalidation]:
        """Every batch, in order. What fails after something was sent is in the list, not raised.

        The first batch waits for room only with `wait`; the later ones always do: they follow our own.
        """
        sent: list[SentInvalidation] = []
        for batch in batches(items):
            may_wait = wait or bool(sent)
            try:
                made = await self._create(distribution_id, batch, run_id, may_wait=may_wait, wait_until=wait_until)
            except PerfctlError as error:
                if not sent:
                    raise
                return [*sent, _record(distribution_id, batch, None, error.message)]
            sent.append(_record(distribution_id, batch, made))
        return sent

    async def wait(self, sent: Sequence[SentInvalidation], *, until: float) -> list[SentInvalidation]:
        """Poll until all have completed, the last time when the time is over. TimedOutError with the IDs then."""
        started = self._time.now()
        open_ids = {one.invalidation_id for one in sent if one.status == "InProgress"}
        total = len(open_ids)
        rows = list(sent)
        ask_again = next((_status_line(row) for row in rows if row.status == "InProgress"), None)
        self._tell(Waiting(0, total, 0.0, ask_again=ask_again))
        delays = poll_delays()
        while True:
            rows = await asyncio.gather(*(self._polled(row, started, until) for row in rows))
            open_ids = {row.invalidation_id for row in rows if row.status == "InProgress"}
            again = ask_again if open_ids else None
            self._tell(Waiting(total - len(open_ids), total, self._time.now() - started, ask_again=again))
            if not open_ids:
                return rows
            left = until - self._time.now()
            if left <= 0:
                raise _overdue([row for row in rows if row.status == "InProgress"], self._time.now() - started)
            await self._time.sleep(min(next(delays), left))

    async def retried(self, call: Callable[[], Awaitable[T]], *, until: float | None = None) -> T:
        """The call, again where the service throttles, fails on its side or is late: full jitter, up to 20 s.

        Eight attempts, three of a call that is not answered, and where there is time `until` then, as many as fit
        into it.
        """
        for attempt in count(1):
            try:
                return await call()
            except (ThrottledError, UnavailableError, TimedOutError) as error:
                most = LATE_ATTEMPTS if isinstance(error, TimedOutError) else ATTEMPTS
                pause = self._time.jitter() * min(LONGEST_PAUSE_SECONDS, 2.0**attempt)
                has_time = until is not None and self._time.now() + pause <= until
                if attempt >= most and not has_time:
                    raise
            await self._time.sleep(pause)
        raise AssertionError("count() does not end")

    async def _create(
        self, distribution_id: str, batch: Sequence[str], run_id: str, *, may_wait: bool, wait_until: float
    ) -> Invalidation:
        reference = caller_reference(distribution_id, batch, run_id)
        started = self._time.now()
        delays = poll_delays()
        while True:
            try:
                return await self.retried(
                    lambda: self._control.create_invalidation(distribution_id, batch, reference),
                    until=wait_until if may_wait else None,
                )
            except TooManyInProgressError as error:
                left = wait_until - self._time.now()
                if not may_wait:
                    raise await self._full(distribution_id, error) from error
                if left <= 0:
                    raise _no_room(distribution_id, error, self._time.now() - started) from error
                self._tell(Waiting(0, 1, self._time.now() - started, for_room=True))
                await self._time.sleep(min(next(delays), left))

    async def _polled(self, row: SentInvalidation, started: float, until: float) -> SentInvalidation:
        if row.status != "InProgress":
            return row
        identifier = str(row.invalidation_id)
        try:
            found = await self.retried(lambda: self._control.invalidation(row.distribution_id, identifier), until=until)
        except PerfctlError as error:
            error.hint = f"it was sent; ask again later: {_status_line(row)}"
            raise
        return replace(row, status=found.status, waited_seconds=round(self._time.now() - started, 3))

    async def _full(self, distribution_id: str, error: TooManyInProgressError) -> ServiceError:
        """The refusal, with what is in progress there, as far as we may see it."""
        try:
            recent = await self._control.recent_invalidations(distribution_id)
            running = [row for row in recent if row.status == "InProgress"]
            details = [await self._control.invalidation(distribution_id, row.invalidation_id) for row in running[:10]]
        except PerfctlError:
            return error
        wildcards = sum(row.wildcards or 0 for row in details)
        paths = sum(row.items or 0 for row in details) - wildcards
        names = ", ".join(row.invalidation_id for row in running[:3]) + (" ..." if len(running) > 3 else "")
        batches_text = "1 batch" if len(running) == 1 else f"{len(running)} batches"
        return TooManyInProgressError(
            f"{error.message}; in progress at {distribution_id}: {batches_text} with {paths} paths "
            f"and {wildcards} wildcards ({names}); the limits are 3000 and 15",
            hint=error.hint,
        )


def _record(
    distribution_id: str, batch: Sequence[str], made: Invalidation | None, error: str | None = None
) -> SentInvalidation:
    return SentInvalidation(
        distribution_id=distribution_id,
        invalidation_id=made.invalidation_id if made else None,
        status=made.status if made else "failed",
        items=len(batch),
        wildcards=sum(1 for item in batch if is_wildcard(item)),
        error=error,
    )


def _status_line(row: SentInvalidation) -> str:
    return f"perfctl cdn status {row.invalidation_id} --wait --distribution {row.distribution_id}"


def _overdue(rows: Sequence[SentInvalidation], waited_seconds: float) -> TimedOutError:
    names = ", ".join(f"{row.invalidation_id} at {row.distribution_id}" for row in rows)
    waited = format_duration_ms(waited_seconds * 1000)
    return TimedOutError(f"invalidation {names}: still in progress after {waited}", hint=_status_line(rows[0]))


def _no_room(distribution_id: str, error: TooManyInProgressError, waited_seconds: float) -> TimedOutError:
    waited = format_duration_ms(waited_seconds * 1000)
    return TimedOutError(
        f"no room for the invalidation at {distribution_id} within {waited}: {error.message}",
        hint=f"see what is in progress: perfctl cdn status --distribution {distribution_id}",
    )
