"""CloudFront Functions, called with the limits that they have there, in a process that may hang or crash."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from perfctl.cdn.edge.model import Called, EdgeFunction, EdgeFunctionError, Event
from perfctl.cdn.edge.running.source import store_of, text_of
from perfctl.cdn.edge.running.wire import decoded, encoded
from perfctl.cdn.edge.running.worker import Worker, WorkerEndedError, WorkerTimedOutError
from perfctl.errors import MissingExtraError

LIMIT_MS = 100.0
"""The CPU time after which a function is interrupted here; CloudFront's own limit is told to be under 1 ms."""
FULL_US = 1_000.0
"""What counts as all of the time allowed, for the estimate of compute utilization."""
MAX_BYTES = 10 * 1024

_START_SECONDS = 30.0
_PATIENCE = 20
"""So many times the limit, in real time, before the process is killed: QuickJS does not interrupt a regular expression,
and a machine that does other things is slow."""
_LEAST_PATIENCE_SECONDS = 0.5
_ROOT = str(Path(__file__).resolve().parents[4])
"""Where the package lies, for a process that looks at no variable."""
_MAIN = "import sys; sys.path.insert(0, sys.argv[1]); from perfctl.cdn.edge.running.function_worker import main; main()"


class FunctionRunner:
    """One CloudFront Function, in a worker that is made anew when it dies."""

    def __init__(self, function: EdgeFunction, program: Mapping[str, Any]) -> None:
        self._function = function
        self._program = encoded(program)
        self._limit_ms: float = program["limit_ms"]
        self._patience_seconds = max(_LEAST_PATIENCE_SECONDS, _PATIENCE * self._limit_ms / 1000)
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, function: EdgeFunction, *, time_limit_ms: float | None = None) -> Self:
        from importlib.util import find_spec

        if find_spec("quickjs") is None:
            raise MissingExtraError("edge", needed_for="running a CloudFront Function")
        program = {
            "source": _checked(function, text_of(function)),
            "handler": function.handler or "handler",
            "version": function.runtime,
            "store": store_of(function),
            "limit_ms": time_limit_ms or LIMIT_MS,
        }
        runner = cls(function, program)
        try:
            await runner._started()
        except BaseException:
            await runner.close()
            raise
        return runner

    async def call(self, event: Event, *, now_ms: float | None = None) -> Called:
        """What the function returned; `now_ms` sets its clock, in milliseconds since 1970."""
        message = b"%d %s" % (now_ms or 0, encoded(event))
        async with self._turn:
            worker = self._worker or await self._started()
            reply, took_us = await self._asked(worker, message, self._patience_seconds)
        return Called(reply["result"], took_us, min(100, round(100 * took_us / FULL_US)), tuple(reply["logs"]))

    async def close(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    async def _started(self) -> Worker:
        self._worker = Worker([sys.executable, "-I", "-c", _MAIN, _ROOT], env={})
        await self._asked(self._worker, self._program, _START_SECONDS)
        return self._worker

    async def _asked(self, worker: Worker, message: bytes, timeout_seconds: float) -> tuple[dict[str, Any], float]:
        try:
            answer = await worker.ask(message, timeout_seconds=timeout_seconds)
        except asyncio.CancelledError:
            self._worker = None
            raise
        except WorkerTimedOutError:
            self._worker = None
            raise self._failed(f"it ran longer than {self._limit_ms:g} ms, and could not be interrupted") from None
        except WorkerEndedError as error:
            self._worker = None
            raise self._failed(f"it crashed the JavaScript engine ({error})") from None
        took, _, text = answer.partition(b" ")
        reply = decoded(self._function, text)
        if "result" in reply:
            return reply, float(took)
        logs = tuple(reply["logs"])
        if "limit" in reply:
            raise EdgeFunctionError(self._function, reply["limit"], fault="limit", logs=logs)
        if "unserializable" in reply:
            reason = f"what it returned cannot be read: {reply['unserializable']}"
            raise EdgeFunctionError(self._function, reason, fault="validation", logs=logs)
        where = f"{_place(self._function)}:{reply['line']}" if reply.get("line") else None
        raise EdgeFunctionError(self._function, reply["error"], fault="execution", where=where, logs=logs)

    def _failed(self, reason: str) -> EdgeFunctionError:
        return EdgeFunctionError(self._function, reason, fault="limit")


def _checked(function: EdgeFunction, source: str) -> str:
    size = len(source.encode())
    if size <= MAX_BYTES:
        return source
    reason = f"its code has {size:,} bytes, more than the {MAX_BYTES:,} of a CloudFront Function"
    raise EdgeFunctionError(function, reason, fault="limit", hint="minify it, or make it a Lambda@Edge function")


def _place(function: EdgeFunction) -> str:
    return str(function.source) if isinstance(function.source, Path) else function.name
