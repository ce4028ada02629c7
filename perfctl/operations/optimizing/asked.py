"""What every source of findings is given, and what it gives back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfctl.operations.optimizing.model import Finding
    from perfctl.operations.optimizing.steps import Step
    from perfctl.optimizer import PerformanceOptimizer

_Value = TypeVar("_Value")

EngineName = Literal["database", "cache", "cdn"]


class Skipped(Exception):  # noqa: N818 - not an error: there is nothing to ask
    """There is nothing to ask: the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Found(NamedTuple):
    """A finding, and what `--apply` would do about it; None where that is not safe."""

    finding: Finding
    step: Step | None = None


class Look(Protocol):
    """What a source's file has."""

    async def look(self, asked: Asked) -> Sequence[Found]:
        """What could be better. Raises `Skipped` where there is nothing to ask, and what the engine raises."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A row of the sources."""

    engine: EngineName
    about: str
    """What it looks at, in a few words."""


class Asked:
    """The engines, and what several sources want to know, asked once."""

    def __init__(self, optimizer: PerformanceOptimizer, *, limit_seconds: float) -> None:
        self.optimizer = optimizer
        self.limit_seconds = limit_seconds
        self._known: dict[str, asyncio.Task[Any]] = {}

    async def once(self, name: str, ask: Callable[[], Awaitable[_Value]]) -> _Value:
        """The answer to a question that several sources have; one that gives up does not take it from the others."""
        if name not in self._known:
            self._known[name] = asyncio.ensure_future(ask())
        answer: _Value = await asyncio.shield(self._known[name])
        return answer

    async def close(self) -> None:
        """End what nobody waits for any more."""
        for task in self._known.values():
            task.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)
