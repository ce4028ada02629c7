"""MetricsEngine: asks every source at once, each with its own time limit, and takes the best value of each figure."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from perfctl.errors import AuthError, PerfctlError, UnreachableError
from perfctl.metrics.collecting.order import HOST, ranked
from perfctl.metrics.collecting.source import Gathered, Source
from perfctl.metrics.model import FIGURES, MetricsSnapshot, PerformanceMetrics, Reading, metrics_of, snapshot_of
from perfctl.metrics.model.collected import Collected

if TYPE_CHECKING:
    from perfctl.metrics.collecting.spreading import Round
    from perfctl.metrics.system import Sample
    from perfctl.recording.frame import Frame

APPLICATION_FIGURES = ("api_response_time_ms", "requests_per_second", "error_rate")
_NO_APPLICATION = "no application reports to perfctl"


class MetricsEngine:
    """The ten figures of the stack. Holds no connection: what it asks belongs to other engines.

    Each round tells what came since the round before; so one engine is asked by one caller after the other.
    """

    def __init__(self, sources: Sequence[Source] = (), *, limit_seconds: float = 5.0) -> None:
        """`limit_seconds` is how long one source may take; the others do not wait for it."""
        self._sources = tuple(sources)
        self._limit_seconds = limit_seconds
        self._before: Sample | None = None
        self._host: Sample | None = None
        self._collected_at: float | None = None
        self._rounds: deque[Round] = deque()
        """Those before, the last one last."""
        self._one_at_a_time = asyncio.Lock()

    def current(self) -> PerformanceMetrics:
        """What is known in this process now; asks no server and does not wait.

        CPU, network and disk are those since the call before; the first call begins to measure them.
        """
        known = {source: tuple(source.known()) for source in self._sources}
        return metrics_of(_in_order(known, self._host_since_last_time()))

    async def measure(self, *, interval_seconds: float = 0.25) -> PerformanceMetrics:
        """Ask every source. A source that fails is a reason, never an error."""
        return (await self._round(interval_seconds)).metrics

    async def snapshot(self, *, interval_seconds: float = 0.25) -> MetricsSnapshot:
        """The same for an output, with the names of the sources that did not answer."""
        return (await self.collect(interval_seconds=interval_seconds)).snapshot

    async def collect(self, *, interval_seconds: float = 0.25) -> Collected:
        """Ask every source what came since the round before; the first round takes two looks, that long apart.

        A source that fails is a reason, and named as unanswered where nobody answered; never an error. What it tells
        when it answers again is spread over the rounds that it did not answer in.
        """
        done = await self._round(interval_seconds)
        snapshot = snapshot_of(
            done.metrics,
            unanswered=tuple(answer.name for answer in done.answers if not answer.answered),
            notes=tuple(dict.fromkeys(note for answer in done.answers for note in answer.gathered.notes)),
            at=datetime.now(UTC),
        )
        frame, earlier = _frames(done)
        return Collected(frame, snapshot, earlier)

    async def close(self) -> None:
        """Nothing is held open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    async def _round(self, interval_seconds: float) -> _Done:
        async with self._one_at_a_time:
            began = time.monotonic()
            answers = list(await asyncio.gather(*(self._ask(source) for source in self._sources)))
            host = await self._watched(interval_seconds)
            if self._collected_at is None:
                answers = list(await asyncio.gather(*(self._again(answer) for answer in answers)))
            readings = {answer.source: answer.gathered.readings for answer in answers if answer.source is not None}
            metrics = metrics_of(_in_order(readings, host.readings))
            before, self._collected_at = self._collected_at or began, time.monotonic()
            return _Done(metrics, [*answers, _Answer(None, host)], *self._remembered(self._collected_at - before))

    def _remembered(self, seconds: float) -> tuple[Round, tuple[Round, ...]]:
        """The round that ends now, and those before it."""
        from perfctl.metrics.collecting.spreading import MOST_ROUNDS, Round

        now, before = Round(time.time(), seconds), tuple(self._rounds)
        self._rounds.append(now)
        if len(self._rounds) > MOST_ROUNDS:
            self._rounds.popleft()
        return now, before

    async def _ask(self, source: Source) -> _Answer:
        try:
            async with asyncio.timeout(self._limit_seconds):
                return _Answer(source, await source.ask())
        except (UnreachableError, AuthError) as error:
            return _no_answer(source, error.message, answered=False)
        except PerfctlError as error:
            return _no_answer(source, error.message, answered=True)
        except TimeoutError:
            return _no_answer(source, f"{source.name}: no answer within {self._limit_seconds:g} s", answered=False)

    async def _again(self, answer: _Answer) -> _Answer:
        """A second look where the first can say nothing of the time in between; the first stands where it fails.

        In the first round alone: a source that answers for the first time later is asked again in the next round, or
        a moment's counts would stand for a whole round.
        """
        if answer.source is None or not answer.gathered.is_first:
            return answer
        second = await self._ask(answer.source)
        return second if second.answered else answer

    async def _watched(self, interval_seconds: float) -> Gathered:
        """The host since the round before. At first while this process does nothing: its own work is not measured."""
        from perfctl.metrics import system
        from perfctl.metrics.collecting.host import host_between

        before = self._host
        if before is None or time.monotonic() - before.at < system.SHORTEST_SECONDS:
            before = system.sample()
            await asyncio.sleep(max(interval_seconds, system.SHORTEST_SECONDS))
        self._host = system.sample()
        return host_between(before, self._host)

    def _host_since_last_time(self) -> list[Reading]:
        from perfctl.metrics import system

        now = system.sample()
        before = self._before or now
        if now.at - before.at >= system.SHORTEST_SECONDS or self._before is None:
            self._before = now
        return [system.memory(), *system.rates(before, now)]


@dataclass(frozen=True, slots=True)
class _Answer:
    source: Source | None
    gathered: Gathered
    answered: bool = True

    @property
    def name(self) -> str:
        return self.source.name if self.source else "the host"


@dataclass(frozen=True, slots=True)
class _Done:
    """What a round came to, and the rounds before it."""

    metrics: PerformanceMetrics
    answers: Sequence[_Answer]
    round: Round
    before: tuple[Round, ...]


def _no_answer(source: Source, reason: str, *, answered: bool) -> _Answer:
    return _Answer(source, Gathered(readings=tuple(Reading(name, None, reason) for name in source.figures)), answered)


def _in_order(readings: Mapping[Source, Sequence[Reading]], host: Sequence[Reading]) -> Iterable[Reading]:
    """Each figure's readings, those of its best source first; that nobody reports is said where nothing else is."""
    by_key = {**{source.key or source.name: each for source, each in readings.items()}, HOST: tuple(host)}
    for figure in FIGURES:
        for key in ranked(figure.name, by_key):
            yield from (reading for reading in by_key[key] if reading.name == figure.name)
    yield from (Reading(name, None, _NO_APPLICATION) for name in APPLICATION_FIGURES)


def _frames(done: _Done) -> tuple[Frame, tuple[Frame, ...]]:
    """What was measured of this round, and of earlier ones. A source that did not answer has nothing in them."""
    from perfctl.metrics.collecting.spreading import spread
    from perfctl.recording.frame import Frame, merge

    frame = Frame(*done.round)
    earlier: dict[float, list[Frame]] = {}
    for answer in done.answers:
        for part in spread(answer.gathered, frame, done.before):
            earlier.setdefault(part.at, []).append(part)
        for series, value in answer.gathered.gauges.items():
            frame.gauge(series, value)
    return frame, tuple(merge(parts) for _, parts in sorted(earlier.items()))
