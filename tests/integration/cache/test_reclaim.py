"""Giving back what was cleared: all of it, nothing else, and never by two processes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from perfctl.cache.address import address_of
from perfctl.cache.clock import SYSTEM_CLOCK
from perfctl.cache.coherence.marks import Marks
from perfctl.cache.coherence.reclaim import Pace, reclaim, remaining
from perfctl.cache.coherence.reclaimer import Reclaimer
from perfctl.cache.keys import KeyLayout
from perfctl.cache.memory import MemoryStore
from perfctl.cache.redis import RedisStore
from perfctl.cache.store import Store, Write
from perfctl.cache.values.header import write_header
from perfctl.cache.values.meta import Meta
from perfctl.config import CacheConfig
from tests.redis_server import redis_server

LAYOUT = KeyLayout("perfctl")
Scene = Callable[[Store], Awaitable[None]]
Play = Callable[[Scene], None]


@pytest.fixture(params=["memory", *(pytest.param(kind, marks=pytest.mark.servers) for kind in ("scripts", "commands"))])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Play]:
    """Run a scene with a store: the twin, Redis, and Redis without the right to scripts."""
    if request.param == "memory":
        yield lambda scene: asyncio.run(scene(MemoryStore()))
        return
    with redis_server(tmp_path) as server:
        rights = ["+@all", *(["-@scripting"] if request.param == "commands" else [])]
        server.call("ACL", "SETUSER", "app", "on", ">secret", "~perfctl:api:*", "&*", *rights)
        config = CacheConfig(
            redis_host="127.0.0.1", redis_port=server.port, redis_username="app", redis_password="secret"
        )

        async def with_store(scene: Scene) -> None:
            store = RedisStore(address_of(config))
            try:
                await scene(store)
            finally:
                await store.close()

        yield lambda scene: asyncio.run(with_store(scene))


def value(name: str, version: int, *tags: tuple[str, int]) -> Write:
    """A value's header is all that a sweep looks at."""
    header = write_header(0, Meta(1_700_000_000_000, 60_000, version, tags), 1)
    return Write(LAYOUT.of(name, "api"), header + b"x", None)


async def names_in(store: Store) -> set[bytes]:
    return {name async for names in store.scan(LAYOUT.namespace("api")) for name in names}


def test_what_was_cleared_goes_and_everything_else_stays(play: Play) -> None:
    async def scene(store: Store) -> None:
        marks = Marks(store, LAYOUT, SYSTEM_CLOCK)
        state = marks.state("api")
        await marks.ensure(state)
        old = state.version
        ((_, red),) = await marks.tags(state, ["red"]) or ()
        ((_, blue),) = await marks.tags(state, ["blue"]) or ()
        await marks.clear(state)
        new = state.version
        await marks.clear_tag(state, "red")
        foreign = Write(LAYOUT.of("foreign", "api"), b"no header of ours", None)
        first_release = Write(LAYOUT.of("v1", "api"), bytes((0xC1, 1, 0, 1)) + b"x", None)
        kept = [value("new", new), value("blue", new, ("blue", blue)), foreign]
        cleared = [value(f"old{number}", old) for number in range(1200)]
        cleared += [value("red", new, ("red", red)), value("both", new, ("blue", blue), ("red", red)), first_release]
        cleared += [value("k" * 600, old)]
        assert await store.set_many([*kept, *cleared]) == []
        assert await remaining(store, LAYOUT, "api") == len(cleared)
        told: list[int] = []
        done = await reclaim(store, LAYOUT, "api", on_progress=told.append)
        assert (done.deleted, done.is_complete, told[-1]) == (len(cleared), True, len(cleared))
        assert await remaining(store, LAYOUT, "api") == 0
        marked = {LAYOUT.mark("api"), LAYOUT.tag_mark("api", "red"), LAYOUT.tag_mark("api", "blue")}
        assert await names_in(store) == {write.name for write in kept} | marked

    play(scene)


def test_a_sweep_that_loses_its_lease_stops(play: Play) -> None:
    async def scene(store: Store) -> None:
        marks = Marks(store, LAYOUT, SYSTEM_CLOCK)
        state = marks.state("api")
        await marks.ensure(state)
        await store.set_many([value(f"k{number}", state.version) for number in range(3000)])
        await marks.clear(state)
        done = await reclaim(store, LAYOUT, "api", pace=Pace(share=0.5), goes_on=lambda: False)
        assert not done.is_complete
        assert 0 < await remaining(store, LAYOUT, "api") <= 3000

    play(scene)


def test_one_process_at_a_time_sweeps_in_the_background(play: Play) -> None:
    async def scene(store: Store) -> None:
        marks = Marks(store, LAYOUT, SYSTEM_CLOCK)
        state = marks.state("api")
        await marks.ensure(state)
        await store.set_many([value(f"k{number}", state.version) for number in range(1000)])
        await marks.clear(state)
        lease = LAYOUT.own("api", b"reclaim")
        await store.take(lease, b"another process", 60_000)
        here, there = Reclaimer(store, LAYOUT), Reclaimer(store, LAYOUT)
        here.request("api")
        await asyncio.sleep(0.2)
        assert await remaining(store, LAYOUT, "api") == 1000
        assert here.is_requested("api")
        await here.stop()
        assert not here.is_requested("api")
        await store.delete([lease])
        there.request("api")
        there.request("api")
        while await remaining(store, LAYOUT, "api") or await store.fetch(lease) is not None:
            await asyncio.sleep(0.02)
        assert not there.is_requested("api")
        await there.stop()

    play(scene)
