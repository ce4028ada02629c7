"""Lambda@Edge functions, called in workers of Node or Python with the limits of their trigger."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from perfctl.cdn.edge.model import Called, EdgeFunction, EdgeFunctionError, Event
from perfctl.cdn.edge.running.entry import Entry, entry_of
from perfctl.cdn.edge.running.wire import decoded, encoded
from perfctl.cdn.edge.running.worker import Worker, WorkerEndedError, WorkerTimedOutError
from perfctl.errors import UsageError

LIMIT_MS: Mapping[str, float] = {
    "viewer-request": 5_000,
    "viewer-response": 5_000,
    "origin-request": 30_000,
    "origin-response": 30_000,
}
MOST_WORKERS = 4
"""An environment of Lambda has one call at a time; here at most so many of one function."""

_HERE = Path(__file__).parent
_START_SECONDS = 30.0
_GRACE_SECONDS = 0.25
_BOUND = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.environ.pop("LC_CTYPE", None)
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes another program that the kernel kills when we end: Node itself cannot ask for that (PR_SET_PDEATHSIG is 1),
and a function that hangs does not see its stdin close. LC_CTYPE is what Python itself adds on its way."""


class LambdaRunner:
    """One Lambda@Edge function in processes of its own, made anew when they hang or die."""

    def __init__(self, function: EdgeFunction, entry: Entry, limit_ms: float, folder: Any = None) -> None:
        self._function = function
        self._entry = entry
        self._limit_ms = limit_ms
        self._folder = folder
        self._free: list[Worker] = []
        self._places = asyncio.Semaphore(MOST_WORKERS)
        self._context = encoded(_context(function))

    @classmethod
    async def open(cls, function: EdgeFunction, *, time_limit_ms: float | None = None) -> Self:
        folder = None if isinstance(function.source, Path) else tempfile.TemporaryDirectory(prefix="perfctl-edge-")
        entry = entry_of(function, Path(folder.name) if folder else None)
        runner = cls(function, entry, time_limit_ms or LIMIT_MS[function.trigger], folder)
        try:
            runner._free.append(await runner._started())
        except BaseException:
            await runner.close()
            raise
        return runner

    async def call(self, event: Event, *, now_ms: float | None = None) -> Called:
        """What the function returned or gave to its callback."""
        given = encoded(event)
        async with self._places:
            worker = self._free.pop() if self._free else await self._started()
            deadline = int(time.time() * 1000 + self._limit_ms)
            message = b'{"event":%b,"context":%b,"deadline":%d}' % (given, self._context, deadline)
            started = time.perf_counter()
            reply = await self._asked(worker, message, self._limit_ms / 1000 + _GRACE_SECONDS)
            took_us = (time.perf_counter() - started) * 1e6
            self._free.append(worker)
        return Called(_result(self._function, reply), took_us, None, tuple(reply["logs"]))

    async def close(self) -> None:
        while self._free:
            self._free.pop().kill()
        if self._folder is not None:
            self._folder.cleanup()

    async def _started(self) -> Worker:
        first = {
            "root": str(self._entry.root),
            "file": str(self._entry.file),
            "handler": self._entry.handler,
            "memory_mb": self._function.memory_mb,
        }
        worker = Worker(
            _command(self._function), env=_environment(self._function, self._entry), folder=self._entry.root
        )
        reply = await self._asked(worker, encoded(first), _START_SECONDS)
        try:
            _result(self._function, reply)
        except EdgeFunctionError:
            worker.kill()
            raise
        return worker

    async def _asked(self, worker: Worker, message: bytes, timeout_seconds: float) -> dict[str, Any]:
        try:
            answer = await worker.ask(message, timeout_seconds=timeout_seconds)
        except WorkerTimedOutError:
            raise self._failed(f"it ran longer than {self._limit_ms / 1000:g} s") from None
        except WorkerEndedError as error:
            raise self._failed(_ending(error, self._function)) from None
        try:
            reply = decoded(self._function, answer)
        except EdgeFunctionError:
            worker.kill()
            raise
        if reply.get("isFatal"):
            worker.kill()
            _result(self._function, reply)
        return reply

    def _failed(self, reason: str) -> EdgeFunctionError:
        return EdgeFunctionError(self._function, reason, fault="limit" if "than" in reason else "execution")


def _result(function: EdgeFunction, reply: Mapping[str, Any]) -> Any:
    if "result" in reply:
        return reply["result"]
    logs = tuple(reply["logs"])
    if "limit" in reply:
        raise EdgeFunctionError(function, reply["limit"], fault="limit", logs=logs)
    if "unserializable" in reply:
        reason = f"what it returned is not JSON: {reply['unserializable']}"
        raise EdgeFunctionError(function, reason, fault="execution", logs=logs)
    raise EdgeFunctionError(function, reply["error"], fault="execution", where=_place(function, reply), logs=logs)


def _place(function: EdgeFunction, reply: Mapping[str, Any]) -> str | None:
    """`file:line`; a function that came as text has its name in place of a file."""
    where: str | None = reply.get("where")
    if where is None or isinstance(function.source, Path):
        return where
    return f"{function.name}:{where.rpartition(':')[2]}"


def _ending(error: WorkerEndedError, function: EdgeFunction) -> str:
    if "heap out of memory" in error.said or "MemoryError" in error.said:
        return f"it needs more than {function.memory_mb} MB of memory"
    how = f"signal {-error.exit_code}" if error.exit_code < 0 else f"exit code {error.exit_code}"
    return f"its process ended before it answered: {how}"


def _command(function: EdgeFunction) -> list[str]:
    if function.runtime == "python":
        return [sys.executable, "-I", "-B", str(_HERE / "python_worker.py")]
    node = shutil.which("node")
    if node is None:
        raise UsageError(
            f"{function.name}: a Lambda@Edge function for Node needs node, and there is none on PATH",
            hint="install Node.js 20 or newer: apt install nodejs",
        )
    command = [node, f"--max-old-space-size={function.memory_mb}", str(_HERE / "node_worker.mjs")]
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _BOUND, str(os.getpid()), *command]


def _environment(function: EdgeFunction, entry: Entry) -> dict[str, str]:
    """The variables that Lambda sets; nothing of ours, no credentials."""
    return {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13" if function.runtime == "python" else "AWS_Lambda_nodejs22.x",
        "AWS_LAMBDA_FUNCTION_NAME": f"us-east-1.{function.name}",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "LAMBDA_TASK_ROOT": str(entry.root),
        "_HANDLER": f"{entry.file.stem}.{entry.handler}",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }


def _context(function: EdgeFunction) -> dict[str, str]:
    name = f"us-east-1.{function.name}"
    return {
        "functionName": name,
        "functionVersion": "1",
        "invokedFunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{function.name}:1",
        "memoryLimitInMB": str(function.memory_mb),
        "awsRequestId": "00000000-0000-4000-8000-000000000000",
        "logGroupName": f"/aws/lambda/{name}",
        "logStreamName": "2026/01/01/[1]00000000000000000000000000000000",
    }
