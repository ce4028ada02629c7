"""Closing a cache ends its backplane, however far that has come."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from perfctl.bridge import portal
from perfctl.cache.coherence.backplane import Backplane
from perfctl.cache.keys import KeyLayout
from perfctl.cache.memory import MemoryStore

TURNS = 20
"""Of the loop, until it is connected."""


class Silent:
    """A listener that is told in vain."""

    def changed(self, names: Sequence[bytes]) -> None: ...

    def everything_changed(self) -> None: ...

    def verified(self, is_verified: bool) -> None: ...

    def woken(self, lock: bytes) -> None: ...


class Line:
    """A connection on which nothing is ever said."""

    node, protocol = "memory", 3

    async def ask(self, *words: bytes | str | int) -> Any:
        await asyncio.sleep(0)

    async def hear(self) -> list[Any]:
        await asyncio.sleep(60)
        return []

    async def close(self) -> None:
        await asyncio.sleep(0)


class HurriedStore(MemoryStore):
    """Connects as redis-py does: each of its commands within a `wait_for`."""

    async def line(self, node: str, *, protocol: int | None = None) -> Line:
        for _ in range(5):
            await asyncio.wait_for(asyncio.sleep(0), 60)
        return Line()


class ForgetfulStore(MemoryStore):
    """Its driver loses a cancellation."""

    async def line(self, node: str, *, protocol: int | None = None) -> Line:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return Line()


def test_a_backplane_ends_in_whichever_turn_it_is_stopped() -> None:
    for turns in range(TURNS):
        assert _is_stopped_after(turns, HurriedStore()), f"stopped after {turns} turns of the loop, it goes on"


@pytest.mark.parametrize("turns", [0, 1, 3, 10])
def test_a_backplane_ends_though_its_driver_loses_a_cancellation(turns: int) -> None:
    assert _is_stopped_after(turns, ForgetfulStore())


def _is_stopped_after(turns: int, store: MemoryStore) -> bool:
    async def scene() -> bool:
        backplane = Backplane("tracking", store, KeyLayout("perfctl"), Silent(), protocol=3)
        backplane.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        stopping = asyncio.ensure_future(backplane.stop())
        await asyncio.wait([stopping], timeout=10)
        return stopping.done()

    return portal().run(scene)
