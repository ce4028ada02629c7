"""Gets that ask the server together, and what the process keeps of their answers as it came."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from perfctl.cache.clock import ManualClock
from perfctl.cache.engine import AdvancedCache
from perfctl.cache.memory import MemoryStore
from perfctl.cache.serving.recovery import Missed
from perfctl.cache.store import MOST_READS, Told
from perfctl.config import CacheConfig
from perfctl.config.settings import NamespaceSettings
from perfctl.errors import PerfctlError, UnreachableError
from tests.bench.payloads import document

pytestmark = pytest.mark.anyio

VALUE = document("orders", 900, random.Random(1))
TTL = 10.0


class TogetherStore(MemoryStore):
    """Answers what is asked together at the end of the tick, or when the test says so."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(now=clock.monotonic)
        self.asked: list[list[bytes]] = []
        self.fetched: list[bytes] = []
        self.holds = False
        self.error: PerfctlError | None = None
        self.is_lost = False
        self._held: list[tuple[Told, list[Any]]] = []

    def fetch_together(self, names: Sequence[bytes], answer: Told, /) -> bool:
        self.asked.append(list(names))
        blobs: list[Any] = [self._blob(name) for name in names]
        if self.is_lost:
            blobs = [ConnectionError()] * len(names)
        if self.holds:
            self._held.append((answer, blobs))
        else:
            asyncio.get_running_loop().call_soon(answer, blobs, self.error)
        return True

    async def fetch(self, name: bytes, *, patience_seconds: float | None = None) -> bytes | None:
        self.fetched.append(name)
        return await super().fetch(name, patience_seconds=patience_seconds)

    def answer(self) -> None:
        """Answer what was held."""
        for answer, blobs in self._held:
            answer(blobs, self.error)
        self._held = []

    def damage(self, name: bytes) -> None:
        """Flip a bit of the value."""
        blob = bytearray(self._blobs[name][0])
        blob[-9] ^= 1
        self._blobs[name] = (bytes(blob), self._blobs[name][1])

    def _blob(self, name: bytes) -> bytes | None:
        entry = self._live(name)
        return None if entry is None else entry[0]


class Stage:
    """A cache that writes, one that reads, their server and their clock."""

    def __init__(self, **fields: Any) -> None:
        self.clock = ManualClock()
        self.store = TogetherStore(self.clock)
        config = CacheConfig(backplane="off", ttl_seconds=TTL, ttl_jitter=0, eviction_policy="lru", **fields)
        self.writer = AdvancedCache(config, store=self.store, clock=self.clock)
        self.cache = AdvancedCache(config, store=self.store, clock=self.clock)

    def name(self, key: str = "k") -> bytes:
        """The server's name of a key."""
        return self.cache.layout.of(key)

    async def warm(self, count: int = 40, namespace: str | None = None) -> None:
        """Have values on the server, and the reader know what such values weigh."""
        values = {f"warm{number}": VALUE for number in range(count)}
        await self.writer.set_many({"k": VALUE, **values}, namespace=namespace)
        for key in values:
            assert await self.cache.get(key, namespace=namespace) == VALUE
        self.store.asked.clear()
        self.store.fetched.clear()

    def settle(self) -> None:
        """Time passes in which the process trusts none of its copies any more."""
        self.clock.advance(6)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A server with values, and a process that has read some."""
    made = Stage()
    await made.warm()
    yield made
    await made.cache.close()
    await made.writer.close()


async def test_what_is_asked_within_a_tick_is_one_question(stage: Stage) -> None:
    await stage.writer.set_many({f"k{number}": {**VALUE, "page": number} for number in range(20)})
    found = await asyncio.gather(*[stage.cache.get(f"k{number}") for number in range(20)], stage.cache.get("absent"))
    assert found == [*({**VALUE, "page": number} for number in range(20)), None]
    assert [len(names) for names in stage.store.asked] == [21]
    assert stage.store.fetched == []


async def test_a_very_long_question_is_cut(stage: Stage) -> None:
    found = await asyncio.gather(*[stage.cache.get(f"absent{number}", 0) for number in range(MOST_READS + 3)])
    assert set(found) == {0}
    assert [len(names) for names in stage.store.asked] == [MOST_READS, 3]


async def test_a_caller_who_leaves_takes_nothing_from_the_others(stage: Stage) -> None:
    stage.store.holds = True
    leaving, staying = asyncio.create_task(stage.cache.get("k")), asyncio.create_task(stage.cache.get("k"))
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.wait([leaving])
    stage.store.answer()
    assert await staying == VALUE


async def test_what_was_read_is_found_in_the_process_and_decoded_when_it_is_asked_for_again(stage: Stage) -> None:
    assert await stage.cache.get("k") == VALUE
    assert stage.name() in stage.cache.local.packed
    before = stage.cache.counters.of("default").frozen()
    again = await stage.cache.get("k")
    assert again == VALUE
    assert await stage.cache.get("k") is again
    after = stage.cache.counters.of("default").frozen()
    assert (after.hits_l1 - before.hits_l1, after.hits_l2 - before.hits_l2) == (2, 0)
    assert len(stage.store.asked) == 1
    assert stage.name() not in stage.cache.local.packed


async def test_every_way_of_asking_finds_what_lies_packed(stage: Stage) -> None:
    async def packed() -> None:
        stage.cache.local.empty()
        await stage.cache.get("k")
        assert stage.name() in stage.cache.local.packed
        stage.store.fetched.clear()

    await packed()
    assert await stage.cache.get_many(["k"]) == {"k": VALUE}
    await packed()
    assert await stage.cache.get_or_set("k", lambda: 1 / 0) == VALUE
    await packed()
    assert await stage.cache.exists("k")
    await packed()
    assert await stage.cache.get_or_set_many(["k"], lambda _: {}) == {"k": VALUE}
    assert stage.store.fetched == []


async def test_a_read_that_a_write_overtook_is_not_kept(stage: Stage) -> None:
    stage.store.holds = True
    reading = asyncio.create_task(stage.cache.get("k"))
    await asyncio.sleep(0.01)
    await stage.cache.set("k", "new")
    stage.store.answer()
    assert await reading == VALUE
    assert await stage.cache.get("k") == "new"


async def test_a_read_that_a_deletion_overtook_is_not_kept(stage: Stage) -> None:
    stage.store.holds = True
    reading = asyncio.create_task(stage.cache.get("k"))
    await asyncio.sleep(0.01)
    await stage.cache.delete("k")
    stage.store.answer()
    await reading
    stage.store.holds = False
    assert await stage.cache.get("k") is None


async def test_a_read_that_a_clear_overtook_is_a_miss(stage: Stage) -> None:
    stage.store.holds = True
    reading = asyncio.create_task(stage.cache.get("k"))
    await asyncio.sleep(0.01)
    await stage.cache.clear()
    stage.store.answer()
    assert await reading is None
    assert stage.name() not in stage.cache.local


async def test_what_lies_packed_is_gone_with_its_namespace(stage: Stage) -> None:
    await stage.cache.get("k")
    await stage.cache.clear()
    assert await stage.cache.get("k") is None
    assert stage.name() not in stage.cache.local


async def test_what_lies_packed_is_forgotten_when_somebody_else_writes_it(stage: Stage) -> None:
    from perfctl.cache.serving.hearing import Hearing

    await stage.cache.get("k")
    await stage.writer.set("k", "new")
    stampede = stage.cache.works.stampede
    assert stampede is not None
    Hearing(stage.cache.works.tiers, stampede).changed([stage.name()])
    assert await stage.cache.get("k") == "new"


async def test_what_lies_packed_is_confirmed_by_the_server_once_it_is_not_trusted(stage: Stage) -> None:
    await stage.cache.get("k")
    stage.settle()
    assert await stage.cache.get("k") == VALUE
    await stage.writer.set("k", "new")
    stage.settle()
    assert await stage.cache.get("k") == "new"


async def test_what_is_past_its_ttl_is_a_miss(stage: Stage) -> None:
    await stage.cache.get("k")
    stage.clock.advance(TTL + 1)
    assert await stage.cache.get("k") is None


async def test_a_damaged_value_is_a_counted_miss(stage: Stage) -> None:
    stage.store.damage(stage.name())
    assert await stage.cache.get("k") is None
    assert stage.cache.counters.of("default").undecodable == 1
    assert stage.name() not in stage.cache.local


async def test_what_was_lost_on_the_way_is_fetched_by_itself(stage: Stage) -> None:
    stage.store.is_lost = True
    assert await asyncio.gather(*[stage.cache.get("k") for _ in range(3)]) == [VALUE] * 3
    assert stage.store.fetched == [stage.name()] * 3


async def test_what_was_refused_on_the_way_is_fetched_by_itself_while_there_is_something_to_catch_up(
    stage: Stage,
) -> None:
    stage.store.is_lost = stage.store.holds = True
    asking = [asyncio.create_task(stage.cache.get("k")) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stage.cache.works.plain._tiers.recovery.add(Missed(b"perfctl:default:another", "default", 1))
    stage.store.answer()
    assert await asyncio.gather(*asking) == [VALUE] * 3


async def test_nobody_waits_for_a_question_that_could_not_be_asked(stage: Stage) -> None:
    def fails(names: Sequence[bytes], answer: Told, /) -> bool:
        raise RuntimeError("no such thing")

    await stage.writer.set("a", VALUE)
    stage.store.fetch_together = fails  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        assert await asyncio.gather(*[stage.cache.get(key) for key in "ab"]) == [VALUE, None]


async def test_nobody_waits_for_an_answer_that_is_none(stage: Stage) -> None:
    def answers_one(names: Sequence[bytes], answer: Told, /) -> bool:
        asyncio.get_running_loop().call_soon(answer, [None], None)
        return True

    await stage.writer.set("b", VALUE)
    stage.store.fetch_together = answers_one  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        assert await asyncio.gather(*[stage.cache.get(key) for key in "ab"]) == [None, VALUE]


async def test_what_failed_is_a_miss_and_the_server_is_left_alone(stage: Stage) -> None:
    stage.store.error = UnreachableError("cannot reach Redis at memory: connection refused")
    assert await asyncio.gather(*[stage.cache.get("k", 0) for _ in range(3)]) == [0] * 3
    assert await stage.cache.get("k", 0) == 0
    assert len(stage.store.asked) == 1


async def test_what_is_not_answered_in_time_is_a_miss_and_the_server_is_left_alone(stage: Stage) -> None:
    stage.store.holds = True
    started = asyncio.get_running_loop().time()
    assert await asyncio.gather(*[stage.cache.get("k", 0) for _ in range(3)]) == [0] * 3
    assert await stage.cache.get("k", 0) == 0
    assert asyncio.get_running_loop().time() - started < 5
    assert len(stage.store.asked) == 1
    stage.store.answer()  # too late


async def test_a_value_past_its_ttl_stands_in_while_the_server_is_away() -> None:
    stage = Stage(fail_safe_seconds=1000)
    await stage.warm()
    await stage.cache.get("k")
    assert stage.name() in stage.cache.local.packed
    stage.clock.advance(TTL + 1)
    stage.store.error = UnreachableError("cannot reach Redis at memory: connection refused")
    await stage.cache.get("other")
    assert await stage.cache.get("k") == VALUE
    assert stage.cache.counters.of("default").stale == 1


async def test_nothing_is_kept_of_a_namespace_that_keeps_nothing_in_the_process() -> None:
    stage = Stage(namespaces=(NamespaceSettings(name="remote", local=False),))
    await stage.warm(namespace="remote")
    assert await stage.cache.get("k", namespace="remote") == VALUE
    assert len(stage.cache.local) == 0
    assert not stage.cache.works.tiers.fetching


async def test_several_namespaces_are_asked_together(stage: Stage) -> None:
    await stage.warm(namespace="other")
    found = await asyncio.gather(*[stage.cache.get("k", namespace=namespace) for namespace in (None, "other", "third")])
    assert found == [VALUE, VALUE, None]
    assert len(stage.store.asked) == 1


async def test_no_read_leaves_a_trace_of_itself(stage: Stage) -> None:
    await asyncio.gather(*[stage.cache.get(key) for key in ("k", "absent", "warm1")])
    stage.store.error = UnreachableError("cannot reach Redis at memory: connection refused")
    stage.cache.local.empty()
    await stage.cache.get("k")
    assert not stage.cache.works.tiers.fetching


async def test_each_event_loop_asks_for_itself(stage: Stage) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(_gets(stage.cache)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    mine = await _gets(stage.cache)
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert [mine, *found] == [[VALUE] * 20] * 4


async def _gets(cache: AdvancedCache) -> list[Any]:
    return [await cache.get(f"warm{number}") for number in range(20)]
