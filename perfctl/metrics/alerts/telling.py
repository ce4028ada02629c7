"""Telling: what waits for a place is sent in its order; what cannot be sent waits, and is sent later."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from perfctl.errors import PerfctlError, ServiceError
from perfctl.metrics.alerts.model import Notice
from perfctl.metrics.alerts.sinks import Sink
from perfctl.metrics.alerts.store import Kept, Store

ATTEMPTS = 3
"""In one go, half a second and a second apart."""
_PAUSE_SECONDS = 0.5
LONGEST_SECONDS = 10.0
"""One go takes no longer, but for the attempt under way."""
LONGEST_WAIT_SECONDS = 300.0
_FIRST_WAIT_SECONDS = 5.0
_AT_ONCE = 100
_HELD_SECONDS = 60.0
RENEW_SECONDS = 60.0
"""What fires is renewed as often as this, where a place wants it."""
HOLDS_SECONDS = 900.0
"""So long an alert holds without being renewed: a cron job may come every five minutes."""


def tell(
    store: Store,
    sink: Sink,
    firing: Sequence[Notice],
    now: float,
    *,
    gap_seconds: float = 0.0,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Send one place what waits for it, and what fires where it has to be renewed. Never raises for the place.

    One process at a time does it. What was sent is taken out at once: only a process that is killed in between
    sends a change twice, with the same id.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
    with store.reading() as sheet:
        kept = sheet.sink(sink.name)
    is_due = kept.retry_at is None or now >= kept.retry_at or kept.retry_at > now + 2 * LONGEST_WAIT_SECONDS
    is_renewing = sink.renews and bool(firing) and not _is_recent(kept, now)
    if not is_due or not (kept.waiting or is_renewing):
        return
    with store.writing() as sheet:
        if not sheet.hold(sink.name, holder=holder, now=now, seconds=_HELD_SECONDS):
            return
    error = _sent(store, sink, pause)
    renewed = kept.renewed
    if error is None and is_renewing:
        until = now + max(HOLDS_SECONDS, 4 * gap_seconds)
        error = _tried(lambda: sink.renew([replace(each, ends_at=None) for each in firing], until), pause, _deadline())
        renewed = now if error is None else renewed
    _settle(store, sink, kept, error, renewed, now)


def _is_recent(kept: Kept, now: float) -> bool:
    return kept.renewed is not None and 0 <= now - kept.renewed < RENEW_SECONDS - 1


def _sent(store: Store, sink: Sink, pause: Callable[[float], None]) -> PerfctlError | None:
    """All that waits, until an attempt fails or the time is up."""
    deadline = _deadline()
    while True:
        with store.reading() as sheet:
            waiting = sheet.waiting(sink.name, limit=_AT_ONCE)
        if not waiting:
            return None
        for each in waiting:
            if time.monotonic() > deadline:
                return None
            notice = each.notice
            error = _tried(lambda notice=notice: sink.tell(notice), pause, deadline)  # type: ignore[misc]
            if error is not None and not isinstance(error, ServiceError):
                return error
            with store.writing() as sheet:
                if error is None:
                    sheet.told([each.number])
                else:
                    sheet.refused(each.number)


def _tried(attempt: Callable[[], None], pause: Callable[[float], None], deadline: float) -> PerfctlError | None:
    for number in range(ATTEMPTS):
        try:
            attempt()
        except ServiceError as error:
            return error
        except PerfctlError as error:
            wait = _PAUSE_SECONDS * 2**number
            if number == ATTEMPTS - 1 or time.monotonic() + wait > deadline:
                return error
            pause(wait)
        else:
            return None
    return None


def _deadline() -> float:
    return time.monotonic() + LONGEST_SECONDS


def _settle(
    store: Store, sink: Sink, kept: Kept, error: PerfctlError | None, renewed: float | None, now: float
) -> None:
    failures = 0 if error is None else kept.failures + 1
    wait = min(LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** min(failures - 1, 10))
    with store.writing() as sheet:
        sheet.keep_sink(
            sink.name,
            failures=failures,
            error=None if error is None else error.message,
            retry_at=None if error is None else now + wait,
            renewed=renewed,
        )
