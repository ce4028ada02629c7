"""A store in memory whose server fails as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from perfctl.cache.clock import Clock
from perfctl.cache.memory import MemoryStore
from perfctl.errors import PerfctlError, ServiceError, TimedOutError, UnreachableError

_INSIDE: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether the store itself calls its own method."""
_FREE = {"place", "scan", "close", "address", "protocol"}


class FaultyStore(MemoryStore):
    """Every call, in order, first asks `fault`, which may raise, and waits for `delay` seconds.

    `calls` are the names of those that were made, whatever became of them.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(**({} if clock is None else {"now": clock.monotonic}))
        self.fault: PerfctlError | None = None
        self.refused: frozenset[str] = frozenset()
        self.delay = 0.0
        self.calls: list[str] = []

    def freeze(self) -> None:
        """It answers no more."""
        self.fault = TimedOutError("Redis at memory did not answer within 2 s")

    def kill(self) -> None:
        """It is gone."""
        self.fault = UnreachableError("cannot reach Redis at memory: connection refused")

    def refuse(self, *methods: str) -> None:
        """It answers those calls with a refusal."""
        self.refused = frozenset(methods)

    def heal(self) -> None:
        """It is as before."""
        self.fault, self.refused = None, frozenset()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name in _FREE or not asyncio.iscoroutinefunction(found):
            return found
        return self._watched(name, found)

    def _watched(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*arguments: Any, **options: Any) -> Any:
            if _INSIDE.get():
                return await method(*arguments, **options)
            _INSIDE.set(True)
            try:
                return await fail_or_call(*arguments, **options)
            finally:
                _INSIDE.set(False)

        async def fail_or_call(*arguments: Any, patience_seconds: float | None = None, **options: Any) -> Any:
            self.calls.append(name)
            if patience_seconds is not None and self.delay > patience_seconds:
                await asyncio.sleep(patience_seconds)
                raise TimedOutError(f"Redis at memory did not answer within {patience_seconds:g} s")
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.fault is not None:
                raise self.fault
            if name in self.refused:
                raise ServiceError("Redis at memory refused: OOM command not allowed when used memory > 'maxmemory'")
            return await method(*arguments, **options)

        return call
