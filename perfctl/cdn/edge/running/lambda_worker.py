"""Lambda@Edge functions, called in a worker of Node or Python."""

from __future__ import annotations

from typing import Self

from perfctl.cdn.edge.model import Called, EdgeFunction, Event
from perfctl.errors import UsageError


class LambdaRunner:
    """One Lambda@Edge function in a process of its own."""

    @classmethod
    async def open(cls, function: EdgeFunction, *, time_limit_ms: float | None = None) -> Self:
        raise UsageError(f"{function.name}: Lambda@Edge functions do not run here yet")

    async def call(self, event: Event) -> Called:
        raise NotImplementedError

    async def close(self) -> None: ...
