"""Where an edge function runs: CloudFront Functions in QuickJS, Lambda@Edge in a worker of Node or Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from perfctl.cdn.edge.model import Called, EdgeFunction, Event

if TYPE_CHECKING:
    from perfctl.recording.registry import Recorder, Registry


class Runner(Protocol):
    """One function, ready to be called again and again."""

    async def call(self, event: Event, *, now_ms: float | None = None) -> Called:
        """What the function returned, as it returned it. EdgeFunctionError where it throws or reaches a limit.

        `now_ms` sets the clock of a CloudFront Function, in milliseconds since 1970; Lambda@Edge has its machine's.
        """
        ...

    async def close(self) -> None:
        """End its worker."""
        ...


class Recorded:
    """A runner that tells how long the function took, each time: `edge.call.duration`. Its own start is not in it."""

    def __init__(self, runner: Runner, took: Recorder) -> None:
        self._runner, self._took = runner, took

    async def call(self, event: Event, *, now_ms: float | None = None) -> Called:
        """As the runner does."""
        called = await self._runner.call(event, now_ms=now_ms)
        self._took.record(called.took_us / 1_000_000)
        return called

    async def close(self) -> None:
        """As the runner does."""
        await self._runner.close()


async def open_runner(
    function: EdgeFunction, *, time_limit_ms: float | None = None, recorder: Registry | None = None
) -> Runner:
    """A runner with the limits that the function has at CloudFront; `recorder` is told of each call.

    EdgeFunctionError where its source does not load; UsageError where it cannot be read; MissingExtraError without
    the extra `edge`, for CloudFront Functions.
    """
    runner = await _opened(function, time_limit_ms)
    if recorder is None:
        return runner
    return Recorded(runner, recorder.histogram("edge.call.duration", function=function.name))


async def _opened(function: EdgeFunction, time_limit_ms: float | None) -> Runner:
    if function.is_lambda:
        from perfctl.cdn.edge.running.lambda_runner import LambdaRunner

        return await LambdaRunner.open(function, time_limit_ms=time_limit_ms)
    from perfctl.cdn.edge.running.function_runner import FunctionRunner

    return await FunctionRunner.open(function, time_limit_ms=time_limit_ms)
