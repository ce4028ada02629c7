"""CloudFront Functions, called with the limits that they have there."""

from __future__ import annotations

import json
from typing import Self

from perfctl.cdn.edge.model import Called, EdgeFunction, EdgeFunctionError, Event
from perfctl.cdn.edge.running.javascript import JavaScript, ScriptError
from perfctl.cdn.edge.running.source import text_of

LIMIT_MS = 100.0
"""Where a function is interrupted here; CloudFront does so after about a millisecond of its own, faster machines."""
FULL_US = 1_000.0
"""What counts as all of the time allowed, for the estimate of compute utilization."""


class FunctionRunner:
    """One CloudFront Function in a context of its own."""

    def __init__(self, function: EdgeFunction, engine: JavaScript) -> None:
        self._function = function
        self._engine = engine

    @classmethod
    async def open(cls, function: EdgeFunction, *, time_limit_ms: float | None = None) -> Self:
        try:
            engine = JavaScript(
                text_of(function),
                handler=function.handler or "handler",
                version=function.runtime,
                store={},
                limit_ms=time_limit_ms or LIMIT_MS,
            )
        except ScriptError as error:
            raise _told(function, error) from error
        return cls(function, engine)

    async def call(self, event: Event) -> Called:
        try:
            returned = self._engine.call(json.dumps(event))
        except ScriptError as error:
            raise _told(self._function, error) from error
        used = min(100, round(100 * returned.took_us / FULL_US))
        return Called(json.loads(returned.text), returned.took_us, used, returned.logs)

    async def close(self) -> None:
        """The context goes with the runner."""


def _told(function: EdgeFunction, error: ScriptError) -> EdgeFunctionError:
    where = f"{function.name}:{error.line}" if error.line else None
    return EdgeFunctionError(function, error.reason, fault=error.fault, where=where)
