"""Where an edge function runs: CloudFront Functions in QuickJS, Lambda@Edge in a worker of Node or Python."""

from __future__ import annotations

from typing import Protocol

from perfctl.cdn.edge.model import Called, EdgeFunction, Event


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


async def open_runner(function: EdgeFunction, *, time_limit_ms: float | None = None) -> Runner:
    """A runner with the limits that the function has at CloudFront.

    EdgeFunctionError where its source does not load; UsageError where it cannot be read; MissingExtraError without
    the extra `edge`, for CloudFront Functions.
    """
    if function.is_lambda:
        from perfctl.cdn.edge.running.lambda_runner import LambdaRunner

        return await LambdaRunner.open(function, time_limit_ms=time_limit_ms)
    from perfctl.cdn.edge.running.function_runner import FunctionRunner

    return await FunctionRunner.open(function, time_limit_ms=time_limit_ms)
