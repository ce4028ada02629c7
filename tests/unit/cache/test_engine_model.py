"""The cache against a model of it: whatever fails and whenever, no value is made up, none comes back that was deleted,
none is older than what this process knows of, and only the factory's own error reaches a caller."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from perfctl.cache.clock import ManualClock
from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from tests.campaign import campaign
from tests.unit.cache.faulty import FaultyStore

_KEYS = st.sampled_from(["a", "b", "c", "d"])
_TAGS = st.sampled_from([(), ("red",), ("red", "big")])
_TTLS = st.sampled_from([2.0, 10.0, 60.0])
_LOOSE = st.sampled_from([None, 0.001])


class FactoryError(Exception):
    """The factory's own."""


class OneProcess(RuleBasedStateMachine):
    """One process's cache on a server that comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.store = FaultyStore(self.clock)
        self.config = CacheConfig(
            ttl_jitter=0, breaker_seconds=30, eviction_policy="lru", patience_seconds=5, fail_safe_seconds=40
        )
        self.cache = AdvancedCache(self.config, store=self.store, clock=self.clock)
        self.number = 0
        self.newest: dict[str, int] = {}
        """The newest value of each key that was not deleted or cleared."""
        self.tags: dict[str, tuple[str, ...]] = {}
        self.factory_fails = False

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Await it, and let the background have a turn."""

        async def and_the_rest() -> Any:
            try:
                return await work
            finally:
                for _ in range(8):
                    await asyncio.sleep(0)

        return self.loop.run_until_complete(and_the_rest())

    def written(self, key: str, tags: tuple[str, ...]) -> str:
        """A value that tells which it is."""
        self.number += 1
        self.newest[key] = self.number
        self.tags[key] = tags
        return f"{key} {self.number}"

    def check(self, key: str, value: Any) -> None:
        """Nothing, or the newest value that was not removed."""
        assert value is None or value == f"{key} {self.newest.get(key, 'removed')}", (key, value, self.newest)

    @rule(key=_KEYS, ttl=_TTLS, tags=_TAGS, sliding=st.booleans())
    def set(self, key: str, ttl: float, tags: tuple[str, ...], sliding: bool) -> None:
        self.run(self.cache.set(key, self.written(key, tags), ttl=ttl, tags=tags, sliding=sliding))

    @rule(keys=st.sets(_KEYS, min_size=1), tags=_TAGS)
    def set_many(self, keys: set[str], tags: tuple[str, ...]) -> None:
        self.run(self.cache.set_many({key: self.written(key, tags) for key in sorted(keys)}, tags=tags))

    @rule(key=_KEYS)
    def get(self, key: str) -> None:
        self.check(key, self.run(self.cache.get(key)))

    @rule(keys=st.sets(_KEYS, min_size=1))
    def get_many(self, keys: set[str]) -> None:
        for key, value in self.run(self.cache.get_many(sorted(keys))).items():
            self.check(key, value)

    @rule(key=_KEYS, ttl=_TTLS, tags=_TAGS, soft=_LOOSE, eager=st.sampled_from([None, 0.5]))
    def get_or_set(self, key: str, ttl: float, tags: tuple[str, ...], soft: float | None, eager: float | None) -> None:
        async def factory() -> str:
            if self.factory_fails:
                raise FactoryError
            return self.written(key, tags)

        try:
            value = self.run(self.cache.get_or_set(key, factory, ttl=ttl, tags=tags, soft_timeout=soft, eager=eager))
        except FactoryError:
            assert self.factory_fails
            return
        if eager is None and soft is None:
            self.check(key, value)
        assert value is not None
        assert value.startswith(f"{key} ")

    @rule(keys=st.sets(_KEYS, min_size=1), tags=_TAGS)
    def get_or_set_many(self, keys: set[str], tags: tuple[str, ...]) -> None:
        def factory(missing: list[str]) -> dict[str, str]:
            if self.factory_fails:
                raise FactoryError
            return {key: self.written(key, tags) for key in missing}

        try:
            values = self.run(self.cache.get_or_set_many(sorted(keys), factory, tags=tags))
        except FactoryError:
            assert self.factory_fails
            return
        assert set(values) == keys
        for key, value in values.items():
            self.check(key, value)

    @rule(key=_KEYS)
    def delete(self, key: str) -> None:
        self.newest.pop(key, None)
        self.run(self.cache.delete(key))

    @rule()
    def clear(self) -> None:
        self.newest.clear()
        self.run(self.cache.clear())

    @rule(tag=st.sampled_from(["red", "big"]))
    def clear_tag(self, tag: str) -> None:
        for key in [key for key, tags in self.tags.items() if tag in tags]:
            self.newest.pop(key, None)
        self.run(self.cache.clear(tag=tag))

    @rule(key=_KEYS, ttl=_TTLS)
    def touch(self, key: str, ttl: float) -> None:
        self.run(self.cache.touch(key, ttl))

    @rule(key=_KEYS)
    def expire(self, key: str) -> None:
        self.run(self.cache.expire(key))
        assert self.run(self.cache.exists(key)) in (True, False)

    @rule(seconds=st.sampled_from([0.001, 0.5, 3.0, 12.0, 31.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(fault=st.sampled_from(["freeze", "kill", "full", "read only", "none"]))
    def fail(self, fault: str) -> None:
        self.store.heal()
        if fault in ("freeze", "kill"):
            getattr(self.store, fault)()
        elif fault != "none":
            writes = ("put", "put_many", "put_newest", "set", "take")
            self.store.refuse(*writes, *(("remove", "delete") if fault == "read only" else ()))

    @rule()
    def factory_turns(self) -> None:
        self.factory_fails = not self.factory_fails

    @rule()
    def server_forgets(self) -> None:
        """FLUSHALL, or eviction of everything: nobody tells us here."""
        self.store._blobs.clear()

    @precondition(lambda self: self.store.fault is None and not self.store.refused)
    @rule()
    def all_is_told_in_the_end(self) -> None:
        self.clock.advance(31)
        self.run(self.cache.get("a"))
        self.run(self.cache.works.writer.recover())
        assert self.cache.metrics().unsent == 0
        self.run(self.another_process())

    async def another_process(self) -> None:
        """It finds what this one wrote, or nothing: never what it removed or replaced."""
        other = AdvancedCache(self.config, store=self.store, clock=self.clock)
        for key in "abcd":
            self.check(key, await other.get(key))

    def teardown(self) -> None:
        self.store.heal()
        self.loop.run_until_complete(self.cache.close())
        self.loop.close()


OneProcess.TestCase.settings = campaign(60, 2000)
TestOneProcess = OneProcess.TestCase
