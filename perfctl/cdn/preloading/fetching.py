"""Fetching through the edge ahead of the visitors, in each encoding, and seeing that it stays there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from perfctl.cdn.clock import Time
from perfctl.cdn.connecting import Session
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.model.preloads import PreloadReport, Warmed
from perfctl.cdn.preloading.pace import Pace
from perfctl.cdn.viewer import Viewer
from perfctl.errors import PerfctlError, RefusedError, UnreachableError, UsageError

Told = Callable[[int], None]

MOST_REDIRECTS = 3
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_WORTH_ANOTHER_TRY = frozenset((500, 502, 503, 504))
_RETRY_SECONDS = 0.5
_LOOKS = (0.0, 0.3)
"""A location has many servers: one more look, a little later, before it is said that nothing is kept."""
_KEPT = ("hit", "refresh-hit")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One GET to make: a URL, an encoding, and where."""

    url: str
    encoding: str
    location: str | None = None


async def preload(
    viewer: Viewer,
    urls: Sequence[str],
    encodings: Sequence[str],
    *,
    concurrency: int,
    requests_per_second: float = 0.0,
    locations: Sequence[str] = (),
    time: Time | None = None,
    told: Told | None = None,
) -> PreloadReport:
    """GET every URL in every encoding (at every location), at most `concurrency` at once, at most so many a second
    (0: no limit); one that fails stops no other. 5xx and what breaks is tried once more; redirects are followed
    within the distribution's own names, three at most.

    UsageError, before anything is fetched, where one of them is not the distribution's.
    """
    for url in urls:
        viewer.target(url)
    viewers: dict[str | None, Viewer] = {None: viewer, **{location: viewer.at(location) for location in locations}}
    places: Sequence[str | None] = tuple(dict.fromkeys(locations)) or (None,)
    wanted = [Wanted(url, encoding, place) for url in urls for encoding in encodings for place in places]
    run = _Run(viewers, time or Time(), requests_per_second, told)
    return await run.all(wanted, concurrency)


def refuse_silence(report: PreloadReport) -> None:
    """Return where anything answered. UnreachableError where there was no answer at all."""
    if report.rows and all(row.status is None for row in report.rows):
        raise UnreachableError(
            str(report.rows[0].error),
            hint="perfctl cdn doctor looks at the edge; perfctl cdn headers URL says what answers",
        )


class _Run:
    """One preload, as far as it is."""

    def __init__(
        self, viewers: dict[str | None, Viewer], time: Time, requests_per_second: float, told: Told | None
    ) -> None:
        self._viewers = viewers
        self._time = time
        self._pace = Pace(requests_per_second, time)
        self._told = told
        self._rows: dict[int, Warmed] = {}
        self._requests = 0

    async def all(self, wanted: Sequence[Wanted], concurrency: int) -> PreloadReport:
        """Every GET made, by workers that keep their connections."""
        started = self._time.now()
        waiting = iter(enumerate(wanted))
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, min(concurrency, len(wanted)))):
                group.create_task(self._work(waiting))
        rows = [self._rows[at] for at in range(len(wanted))]
        return PreloadReport(
            requested=len(wanted),
            warmed=sum(1 for row in rows if row.is_warm),
            failed=sum(1 for row in rows if row.error),
            rows=tuple(sorted(rows, key=lambda row: (row.error is None, row.is_warm))),
            requests=self._requests,
            size_bytes=sum(row.size_bytes for row in rows),
            took_seconds=round(self._time.now() - started, 3),
        )

    async def _work(self, waiting: Iterator[tuple[int, Wanted]]) -> None:
        session = self._viewers[None].session()
        try:
            for at, one in waiting:
                self._rows[at] = await self._warmed(session, one)
                if self._told is not None:
                    self._told(len(self._rows))
        finally:
            session.close()

    async def _warmed(self, session: Session, one: Wanted) -> Warmed:
        try:
            url, first = await self._followed(session, one)
            is_warm = first.status < 400 and (first.cache in _KEPT or await self._is_kept(session, one, url))
        except PerfctlError as error:
            return Warmed(one.url, one.encoding, None, "error", False, 0, 0.0, error.message, one.location)
        fault = f"the edge answered {first.status}" if first.status >= 400 else None
        return Warmed(
            url=one.url,
            encoding=one.encoding,
            status=first.status,
            first=first.cache,
            is_warm=is_warm,
            size_bytes=first.size_bytes,
            took_ms=first.took_ms,
            error=fault,
            location=one.location,
            via_pop=first.via_pop,
            redirected_to=url if url != one.url else None,
            why_not_kept=None if is_warm or fault else _why_not(first),
        )

    async def _followed(self, session: Session, one: Wanted) -> tuple[str, EdgeAnswer]:
        """The last answer of a chain of redirects, and the URL that it is of."""
        url = one.url
        answer = await self._tried(session, one, url)
        for _ in range(MOST_REDIRECTS):
            if (onwards := self._redirect(one, url, answer)) is None:
                return url, answer
            url = onwards
            answer = await self._tried(session, one, url)
        if self._redirect(one, url, answer) is not None:
            raise RefusedError(f"{one.url}: more than {MOST_REDIRECTS} redirects")
        return url, answer

    def _redirect(self, one: Wanted, url: str, answer: EdgeAnswer) -> str | None:
        """Where an answer leads to. RefusedError where that is not the distribution's own."""
        place = next((value for name, value in answer.headers if name.lower() == "location"), None)
        if answer.status not in _REDIRECTS or not place:
            return None
        viewer = self._viewers[one.location]
        try:
            onwards = urljoin(viewer.target(url).url, place.encode("latin-1").decode("utf-8", "surrogateescape"))
            viewer.target(onwards)
        except (ValueError, UsageError) as error:
            raise RefusedError(f"{url} redirects to {place[:200]!r}, which was not followed") from error
        return onwards

    async def _tried(self, session: Session, one: Wanted, url: str) -> EdgeAnswer:
        """The answer; a second one where the first is a fault of the server's, or there was none."""
        try:
            answer = await self._looked(session, one, url)
        except (RefusedError, UsageError):
            raise
        except PerfctlError:
            await self._time.sleep(_RETRY_SECONDS)
            return await self._looked(session, one, url)
        if answer.status not in _WORTH_ANOTHER_TRY:
            return answer
        await self._time.sleep(_RETRY_SECONDS)
        return await self._looked(session, one, url)

    async def _looked(self, session: Session, one: Wanted, url: str) -> EdgeAnswer:
        await self._pace.turn()
        self._requests += 1
        answer, _ = await self._viewers[one.location].read(url, accept_encoding=one.encoding, session=session)
        return answer

    async def _is_kept(self, session: Session, one: Wanted, url: str) -> bool:
        """Whether another GET is answered from the cache."""
        for pause in _LOOKS:
            if pause:
                await self._time.sleep(pause)
            if (await self._looked(session, one, url)).cache in _KEPT:
                return True
        return False


def _why_not(answer: EdgeAnswer) -> str:
    told = (answer.cache_control or "").lower()
    if any(word in told for word in ("private", "no-store", "no-cache", "max-age=0", "s-maxage=0")):
        return f"Cache-Control: {answer.cache_control}"
    return "looked again: a miss as well"
