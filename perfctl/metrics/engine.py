"""MetricsEngine: asks every source at once, each with its own time limit, and takes the first value of each figure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from perfctl.errors import AuthError, PerfctlError, UnreachableError
from perfctl.metrics.model import MetricsSnapshot, PerformanceMetrics, Reading, metrics_of, snapshot_of

if TYPE_CHECKING:
    from perfctl.metrics.system import Sample

APPLICATION_FIGURES = ("api_response_time_ms", "requests_per_second", "error_rate")
_NO_APPLICATION = "no application reports to perfctl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Somewhere that figures are measured."""

    name: str
    """`Redis`, `PostgreSQL`: what is said not to have answered."""
    figures: tuple[str, ...]
    ask: Callable[[], Awaitable[Iterable[Reading]]]
    """May ask a server. Raises a PerfctlError where it cannot."""
    known: Callable[[], Iterable[Reading]] = tuple
    """What is known in this process without asking anybody."""


class MetricsEngine:
    """The ten figures of the stack. Holds no connection: what it asks belongs to other engines."""

    def __init__(self, sources: Sequence[Source] = (), *, limit_seconds: float = 5.0) -> None:
        """`limit_seconds` is how long one source may take; the others do not wait for it."""
        self._sources = tuple(sources)
        self._limit_seconds = limit_seconds
        self._before: Sample | None = None

    def current(self) -> PerformanceMetrics:
        """What is known in this process now; asks no server and does not wait.

        CPU, network and disk are those since the call before; the first call begins to measure them.
        """
        known = [reading for source in self._sources for reading in source.known()]
        return metrics_of([*known, *self._host_since_last_time(), *_application()])

    async def measure(self, *, interval_seconds: float = 0.25) -> PerformanceMetrics:
        """Ask every source, and watch the host for that long. A source that fails is a reason, never an error."""
        metrics, _ = await self._measure(interval_seconds)
        return metrics

    async def snapshot(self, *, interval_seconds: float = 0.25) -> MetricsSnapshot:
        """The same for an output, with the names of the sources that did not answer."""
        metrics, unanswered = await self._measure(interval_seconds)
        return snapshot_of(metrics, unanswered=unanswered)

    async def close(self) -> None:
        """Nothing is held open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    async def _measure(self, interval_seconds: float) -> tuple[PerformanceMetrics, tuple[str, ...]]:
        answers = await asyncio.gather(*(self._ask(source) for source in self._sources))
        host = await _host(interval_seconds)
        readings = [reading for answer in answers for reading in answer.readings]
        unanswered = tuple(
            source.name for source, answer in zip(self._sources, answers, strict=True) if not answer.answered
        )
        return metrics_of([*readings, *host, *_application()]), unanswered

    async def _ask(self, source: Source) -> _Answer:
        try:
            async with asyncio.timeout(self._limit_seconds):
                return _Answer(tuple(await source.ask()))
        except (UnreachableError, AuthError) as error:
            return _no_answer(source, error.message, answered=False)
        except PerfctlError as error:
            return _no_answer(source, error.message, answered=True)
        except TimeoutError:
            return _no_answer(source, f"{source.name}: no answer within {self._limit_seconds:g} s", answered=False)

    def _host_since_last_time(self) -> list[Reading]:
        from perfctl.metrics import system

        now = system.sample()
        before = self._before or now
        if now.at - before.at >= system.SHORTEST_SECONDS or self._before is None:
            self._before = now
        return [system.memory(), *system.rates(before, now)]


@dataclass(frozen=True, slots=True)
class _Answer:
    readings: tuple[Reading, ...]
    answered: bool = True


def _no_answer(source: Source, reason: str, *, answered: bool) -> _Answer:
    return _Answer(tuple(Reading(name, None, reason) for name in source.figures), answered)


async def _host(interval_seconds: float) -> list[Reading]:
    """Watched after the servers were asked, while this process does nothing: its own work is not measured."""
    from perfctl.metrics import system

    before = system.sample()
    await asyncio.sleep(max(interval_seconds, system.SHORTEST_SECONDS))
    return [system.memory(), *system.rates(before, system.sample())]


def _application() -> list[Reading]:
    return [Reading(name, None, _NO_APPLICATION) for name in APPLICATION_FIGURES]
