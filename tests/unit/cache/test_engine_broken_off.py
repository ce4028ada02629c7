"""A caller who leads is stopped in any turn of the loop: who waits for it goes on, and no lock stays behind."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from perfctl.cache.coherence.marks import Marks
from perfctl.cache.engine import AdvancedCache
from perfctl.cache.keys import KeyLayout
from perfctl.cache.memory import MemoryStore
from perfctl.cache.serving.recovery import Missed, Recovery
from perfctl.cache.store import Write
from perfctl.config import CacheConfig
from tests.unit.cache.faulty import FaultyStore

SECONDS = 20
TURNS = 45
"""Of the loop, until a leader is done."""


class Distant(FaultyStore):
    """A server that answers in the next turn of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.delay = 1e-9


async def succeeds(*_: Any) -> Any:
    await asyncio.sleep(0)
    return {"a": "led", "b": "led"}


async def fails(*_: Any) -> Any:
    await asyncio.sleep(0)
    raise ValueError("the source is down")


@pytest.mark.parametrize("factory", [succeeds, fails])
@pytest.mark.parametrize("stops", [1, 2])
@pytest.mark.parametrize("many", [False, True])
def test_a_leader_may_be_stopped_in_any_turn(factory: Any, stops: int, many: bool) -> None:
    async def scene(turns: int) -> None:
        store = Distant()
        cache = AdvancedCache(CacheConfig(lock_seconds=60), store=store)
        leading = asyncio.create_task(
            cache.get_or_set_many(["a", "b"], factory) if many else cache.get_or_set("b", factory)
        )
        following: asyncio.Task[Any] = asyncio.create_task(cache.get_or_set("b", lambda: "followed"))
        for _ in range(stops):
            for _ in range(turns):
                await asyncio.sleep(0)
            leading.cancel()
        done, _ = await asyncio.wait([leading, following], timeout=SECONDS)
        assert len(done) == 2, f"stopped after {turns} turns: {leading}, {following}"
        await asyncio.gather(leading, following, return_exceptions=True)
        for _ in range(200):
            locks = [cache.layout.lock("default", cache.layout.of(key, None)) for key in "ab"]
            if not any([await store.fetch(lock) for lock in locks]):
                break
            await asyncio.sleep(0.02)
        else:
            raise AssertionError(f"stopped after {turns} turns: a lock stays")
        await cache.close()

    for turns in range(TURNS):
        asyncio.run(scene(turns))


def test_a_value_whose_loop_was_closed_under_it_is_computed_by_who_waits() -> None:
    cache = AdvancedCache(CacheConfig(lock_seconds=1), store=MemoryStore())
    lost = asyncio.new_event_loop()
    begun = threading.Event()

    async def never() -> None:
        begun.set()
        await asyncio.sleep(600)

    leading = lost.create_task(cache.get_or_set("a", never))

    def lead() -> None:
        lost.run_until_complete(asyncio.sleep(0.5))

    thread = threading.Thread(target=lead)
    thread.start()
    assert begun.wait(SECONDS)
    blocked: list[Any] = []
    blocking = threading.Thread(target=lambda: blocked.append(cache.cache_decorator(key="a")(lambda: "mine")()))
    blocking.start()

    async def follow() -> Any:
        following = asyncio.ensure_future(cache.get_or_set("a", lambda: "mine"))
        await asyncio.to_thread(thread.join)
        lost.close()
        async with asyncio.timeout(SECONDS):
            return await following

    assert asyncio.run(follow()) == "mine"
    blocking.join(SECONDS)
    assert blocked == ["mine"]
    leading._log_destroy_pending = False  # type: ignore[attr-defined]  # it is lost on purpose
    asyncio.run(cache.close())


def test_a_clear_that_was_being_told_on_a_loop_that_ended_is_told_again() -> None:
    class Slow(MemoryStore):
        delay = 600.0

        async def set(self, write: Write) -> None:
            await asyncio.sleep(self.delay)
            await super().set(write)

    store = Slow()
    marks = Marks(store, KeyLayout("perfctl"), AdvancedCache(CacheConfig()).clock)
    state = marks.state("api")
    lost = asyncio.new_event_loop()
    telling = lost.create_task(marks.clear(state))
    lost.run_until_complete(asyncio.sleep(0.01))
    store.delay = 0.0

    async def clear() -> None:
        async with asyncio.timeout(SECONDS):
            await marks.clear(state)

    asyncio.run(clear())
    assert not marks.unsent
    telling.cancel()
    lost.run_until_complete(asyncio.gather(telling, return_exceptions=True))
    lost.close()


def test_what_was_missed_is_told_again_though_a_loop_ended_while_it_told_it() -> None:
    recovery = Recovery()
    missed = Missed(b"a", "api", 1)

    async def tells() -> None:
        with recovery.under_way():
            recovery.begin_to_tell([missed])
            await asyncio.sleep(600)

    recovery.add(missed)
    lost = asyncio.new_event_loop()
    telling = lost.create_task(tells())
    lost.run_until_complete(asyncio.sleep(0.01))
    assert not recovery.is_under_way
    assert not recovery.is_telling([b"a"])
    telling.cancel()
    lost.run_until_complete(asyncio.gather(telling, return_exceptions=True))
    lost.close()
