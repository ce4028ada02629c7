"""Two processes at one key: what is older never comes last."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.memory import MemoryStore
from perfctl.cache.store import Write
from perfctl.config import CacheConfig

pytestmark = pytest.mark.anyio


class Interrupted(MemoryStore):
    """A store on which something happens just before the next write, as if another process had been faster."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Any = None

    async def put(self, write: Write) -> None:
        """Keep one blob."""
        await self._happen()
        await super().put(write)

    async def swap(self, write: Write, old: bytes) -> bool:
        """Keep it in place of what was read."""
        await self._happen()
        return await super().swap(write, old)

    async def _happen(self) -> None:
        before, self.before = self.before, None
        if before is not None:
            await before()


@pytest.fixture
def store() -> Interrupted:
    """What two processes share."""
    return Interrupted()


@pytest.fixture
def ours(store: Interrupted) -> AdvancedCache:
    """A process."""
    return AdvancedCache(CacheConfig(backplane="off"), store=store)


@pytest.fixture
def theirs(store: Interrupted) -> AdvancedCache:
    """Another one, which keeps nothing in its memory."""
    return AdvancedCache(CacheConfig(backplane="off"), store=store)


@pytest.mark.parametrize("what", ["touch", "expire"])
async def test_a_new_life_is_not_given_to_a_value_that_was_just_replaced(
    ours: AdvancedCache, theirs: AdvancedCache, store: Interrupted, what: str
) -> None:
    await ours.set("key", "old")
    store.before = lambda: theirs.set("key", "new")
    assert await (ours.touch("key", 100) if what == "touch" else ours.expire("key"))
    assert await ours.get("key") == (None if what == "expire" else "new")
    blob = await store.fetch(ours.layout.of("key", None))
    assert blob is not None
    assert ours.codec.decode(ours.layout.of("key", None), blob).value == "new"


async def test_a_new_life_does_not_bring_back_what_was_just_deleted(
    ours: AdvancedCache, theirs: AdvancedCache, store: Interrupted
) -> None:
    await ours.set("key", "old")
    store.before = lambda: theirs.delete("key")
    assert not await ours.touch("key", 100)
    assert await ours.get("key") is None
    assert await theirs.get("key") is None


@pytest.mark.parametrize("many", [False, True])
async def test_what_was_computed_from_before_a_deletion_is_not_kept(
    ours: AdvancedCache, theirs: AdvancedCache, many: bool
) -> None:
    source = {"key": "old"}

    async def read(*_: Any) -> Any:
        value = dict(source)
        await asyncio.sleep(0.05)
        return value if many else value["key"]

    computing = asyncio.ensure_future(
        ours.get_or_set_many(["key"], read) if many else ours.get_or_set("key", lambda: read())
    )
    await asyncio.sleep(0.02)
    source["key"] = "new"
    await theirs.delete("key")
    await computing
    assert await ours.get("key") is None
    assert await theirs.get_or_set("key", lambda: source["key"]) == "new"


async def test_what_was_computed_for_longer_than_a_lock_lives_is_kept(
    store: Interrupted,
) -> None:
    """A function that holds up its event loop keeps its lock from being renewed: nobody deleted anything."""
    cache = AdvancedCache(CacheConfig(backplane="off", lock_seconds=0.2), store=store)
    assert await cache.get_or_set("key", lambda: time.sleep(0.4) or "slow") == "slow"
    assert await cache.get("key") == "slow"
    assert await store.fetch(cache.layout.of("key", None)) is not None
