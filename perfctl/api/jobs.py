"""Work that takes longer than a reply may wait: it goes on, and its reply is kept for an hour."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from starlette.responses import Response

from perfctl.api.faults import ConflictError, TooManyError

KEPT_SECONDS = 3600.0
MOST_JOBS = 100
"""Kept at once; the oldest that is done makes room."""

Work = Callable[[], Awaitable[Response]]
"""Does it, and makes the reply: an error is a reply, too."""


@dataclass(frozen=True, slots=True)
class JobState:
    """A job, as its document tells of it."""

    words: ClassVar[tuple[str, ...]] = ("job",)

    id: str
    url: str
    status: Literal["running", "done", "failed"]
    route: str
    started: float
    """In Unix seconds."""
    took_seconds: float


@dataclass(slots=True)
class Job:
    """One piece of work."""

    id: str
    route: str
    digest: str = ""
    started: float = field(default_factory=time.time)
    task: asyncio.Task[Response] | None = None
    ended: float | None = None

    @property
    def reply(self) -> Response | None:
        """What it came to; None while it runs."""
        return self.task.result() if self.task is not None and self.task.done() and not self.task.cancelled() else None

    def state(self, url: str) -> JobState:
        """How far it is."""
        reply = self.reply
        status: Literal["running", "done", "failed"] = (
            "running" if reply is None else "failed" if reply.status_code >= 400 else "done"
        )
        return JobState(
            self.id, url, status, self.route, self.started, round((self.ended or time.time()) - self.started, 3)
        )


class Jobs:
    """The work that is under way or was lately."""

    def __init__(self, *, after_seconds: float) -> None:
        """What takes longer than `after_seconds` is a job."""
        self._after_seconds = after_seconds
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._by_key: dict[tuple[str, str], Job] = {}

    async def run(self, work: Work, *, route: str, key: tuple[str, str] | None, digest: str) -> Job:
        """Start it, and wait so long; the job then has its reply, or goes on.

        `key` is the caller and its Idempotency-Key: the same one again is the same job, and nothing is done twice.
        ConflictError where it came with another request before. TooManyError where too many jobs run.
        """
        self._forget_old()
        job = self._by_key.get(key) if key is not None else None
        if job is not None and job.digest != digest:
            raise ConflictError(
                "this Idempotency-Key came with another request before", hint="make a new key for each request"
            )
        if job is None:
            job = self._started(work, route, digest)
            if key is not None:
                self._by_key[key] = job
        assert job.task is not None  # noqa: S101 - it was started
        await asyncio.wait({job.task}, timeout=self._after_seconds)
        if job.reply is not None and job not in self._by_key.values():
            self._jobs.pop(job.id, None)
        return job

    def get(self, job_id: str) -> Job | None:
        """A job by its id; None where there is none (any more)."""
        self._forget_old()
        return self._jobs.get(job_id)

    async def close(self, grace_seconds: float) -> None:
        """Give what runs so long to end, then stop it."""
        running = {job.task for job in self._jobs.values() if job.task is not None and not job.task.done()}
        if not running:
            return
        _, left = await asyncio.wait(running, timeout=grace_seconds)
        for task in left:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*left, return_exceptions=True)

    def _started(self, work: Work, route: str, digest: str) -> Job:
        job = Job(secrets.token_urlsafe(16), route, digest)

        async def worked() -> Response:
            try:
                return await work()
            finally:
                job.ended = time.time()

        self._make_room()
        job.task = asyncio.ensure_future(worked())
        self._jobs[job.id] = job
        return job

    def _make_room(self) -> None:
        while len(self._jobs) >= MOST_JOBS:
            done = next((job for job in self._jobs.values() if job.ended is not None), None)
            if done is None:
                raise TooManyError(f"{MOST_JOBS} jobs are running", hint="wait until some of them are done")
            self._drop(done)

    def _forget_old(self) -> None:
        limit = time.time() - KEPT_SECONDS
        for job in [job for job in self._jobs.values() if job.ended is not None and job.ended < limit]:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        self._by_key = {key: one for key, one in self._by_key.items() if one is not job}
