"""Versions of namespaces and tags: what was cleared is never valid again, whoever cleared it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from perfctl.cache.clock import ManualClock
from perfctl.cache.coherence.marks import MAX_TAGS, Marks, settings_of
from perfctl.cache.keys import KeyLayout
from perfctl.cache.memory import MemoryStore
from perfctl.cache.store import Write
from perfctl.cache.values.meta import Meta
from perfctl.config import CacheConfig
from perfctl.config.settings import NamespaceSettings

LAYOUT = KeyLayout("perfctl")
MARK = b"perfctl:api:~v"
_Answer = TypeVar("_Answer")


class Line:
    """A server that may be away; asks leniently."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock()
        self.is_up = True
        self.announced: list[bytes] = []

    async def ask(self, call: Callable[[], Awaitable[_Answer]], otherwise: _Answer, /) -> _Answer:
        return await call() if self.is_up else otherwise

    def marks(self) -> Marks:
        def announce(names: Sequence[bytes]) -> None:
            self.announced.extend(names)

        return Marks(self.store, LAYOUT, self.clock, ask=self.ask, announce=announce)


def meta(version: int, *tags: tuple[str, int]) -> Meta:
    return Meta(created_ms=0, fresh_ms=None, version=version, tags=tags)


def test_two_processes_agree_on_the_version_of_a_new_namespace() -> None:
    async def scene() -> None:
        line = Line()
        here, there = line.marks(), line.marks()
        one, other = here.state("api"), there.state("api")
        assert await here.ensure(one)
        assert await there.ensure(other)
        assert one.version == other.version != 0
        assert await line.store.fetch(MARK) == b"%d" % one.version

    asyncio.run(scene())


def test_what_another_process_cleared_is_invalid_as_soon_as_it_is_heard() -> None:
    async def scene() -> None:
        line = Line()
        here, there = line.marks(), line.marks()
        here.watch(True)
        state = here.state("api")
        await here.ensure(state)
        old, generation = meta(state.version), state.generation
        assert here.is_valid_now(state, old) is True
        await there.clear(there.state("api"))
        assert here.forget(MARK)
        assert here.is_valid_now(state, old) is None
        assert not here.was_valid(state, old)
        assert state.generation > generation
        assert not await here.is_valid(state, old)

    asyncio.run(scene())


def test_without_a_backplane_a_mark_is_believed_for_a_second() -> None:
    async def scene() -> None:
        line = Line()
        here = line.marks()
        state = here.state("api")
        await here.ensure(state)
        await line.store.set(Write(MARK, b"7", None))
        assert here.is_valid_now(state, meta(7)) is False
        line.clock.advance(1.01)
        assert here.is_valid_now(state, meta(7)) is None
        assert await here.is_valid(state, meta(7))

    asyncio.run(scene())


def test_a_clear_while_the_server_is_away_counts_here_at_once_and_is_sent_later() -> None:
    async def scene() -> None:
        line = Line()
        here = line.marks()
        state = here.state("api")
        await here.ensure(state)
        old = meta(state.version)
        line.is_up = False
        version = await here.clear(state)
        assert here.is_valid_now(state, old) is False
        assert dict(here.unsent) == {MARK: version}
        assert not await here.send_unsent()
        line.is_up = True
        line.clock.advance(2)
        assert not await here.is_valid(state, old)
        assert await line.store.fetch(MARK) == b"%d" % version
        assert not here.unsent

    asyncio.run(scene())


def test_of_two_clears_the_later_one_reaches_the_server_last() -> None:
    async def scene() -> None:
        line = Line()
        here = line.marks()
        state = here.state("api")
        plain, is_first = line.store.set, [True]

        async def slow(write: Write) -> None:
            if is_first.pop() if is_first else False:
                await asyncio.sleep(0.02)
            await plain(write)

        line.store.set = slow  # type: ignore[method-assign]
        first = asyncio.create_task(here.clear(state))
        await asyncio.sleep(0.005)
        version = await here.clear(state)
        assert await first != version
        assert await line.store.fetch(MARK) == b"%d" % version
        assert not here.unsent

    asyncio.run(scene())


def test_a_version_that_was_never_heard_of_judges_nothing() -> None:
    async def scene() -> None:
        line = Line()
        line.is_up = False
        here = line.marks()
        state = here.state("api")
        assert not await here.ensure(state)
        assert not await here.is_valid(state, meta(0))
        assert not here.was_valid(state, meta(0))
        assert await here.tags(state, ["t"]) is None

    asyncio.run(scene())


def test_the_last_known_version_judges_what_stands_in_while_the_connection_is_lost() -> None:
    async def scene() -> None:
        line = Line()
        here = line.marks()
        here.watch(True)
        state = here.state("api")
        await here.ensure(state)
        (tagged,) = await here.tags(state, ["t"]) or ()
        value = meta(state.version, tagged)
        line.is_up = False
        here.watch(False)
        here.everything_changed()
        assert here.is_valid_now(state, value) is None
        assert not await here.is_valid(state, value)
        assert here.was_valid(state, value)

    asyncio.run(scene())


def test_a_mark_that_changes_while_it_is_read_is_read_again() -> None:
    async def scene() -> None:
        line = Line()
        here, there = line.marks(), line.marks()
        here.watch(True)
        state = here.state("api")
        await there.ensure(there.state("api"))
        plain, answers = line.store.get_many, []

        async def slow(names: Sequence[bytes]) -> list[bytes | None]:
            found = await plain(names)
            answers.append(found)
            if len(answers) == 1:
                await there.clear(there.state("api"))
                here.forget(MARK)
            return found

        line.store.get_many = slow  # type: ignore[method-assign]
        assert await here.ensure(state)
        assert len(answers) == 2
        assert state.version == there.state("api").version

    asyncio.run(scene())


def test_clearing_a_tag_leaves_the_other_values_valid() -> None:
    async def scene() -> None:
        line = Line()
        here, there = line.marks(), line.marks()
        here.watch(True)
        state = here.state("api")
        await here.ensure(state)
        tags = dict(await here.tags(state, ["red", "blue", "red"]) or ())
        assert list(tags) == ["blue", "red"]
        red, blue = (meta(state.version, (tag, tags[tag])) for tag in ("red", "blue"))
        generation = state.generation
        await there.clear_tag(there.state("api"), "red")
        assert here.forget(LAYOUT.tag_mark("api", "red"))
        assert not await here.is_valid(state, red)
        assert here.is_valid_now(state, blue) is True
        assert here.is_valid_now(state, meta(state.version)) is True
        assert state.generation == generation

    asyncio.run(scene())


def test_a_mark_that_was_evicted_never_brings_back_what_was_cleared() -> None:
    async def scene() -> None:
        line = Line()
        here = line.marks()
        state = here.state("api")
        await here.ensure(state)
        old = meta(state.version)
        await here.clear(state)
        await line.store.delete([MARK])
        here.everything_changed()
        assert not await here.is_valid(state, old)
        assert state.version not in (0, old.version)

    asyncio.run(scene())


def test_a_mark_that_is_no_number_is_written_anew() -> None:
    async def scene() -> None:
        line = Line()
        await line.store.set(Write(MARK, b"not a version", None))
        here = line.marks()
        state = here.state("api")
        assert await here.ensure(state)
        assert await line.store.fetch(MARK) == b"%d" % state.version

    asyncio.run(scene())


def test_marks_that_were_written_are_announced() -> None:
    async def scene() -> None:
        line = Line()
        here = line.marks()
        await here.clear(here.state("api"))
        await here.clear_tag(here.state("api"), "t")
        assert line.announced == [MARK, b"perfctl:api:~t:t"]

    asyncio.run(scene())


def test_a_process_remembers_a_bounded_number_of_tags() -> None:
    async def scene() -> None:
        here = Marks(None, LAYOUT, ManualClock())
        state = here.state("api")
        for number in range(MAX_TAGS + 10):
            await here.tags(state, [f"t{number}"])
        assert len(state.tags) == MAX_TAGS
        assert not here.forget(LAYOUT.tag_mark("api", "t0"))

    asyncio.run(scene())


def test_without_a_server_clearing_works_within_the_process() -> None:
    async def scene() -> None:
        here = Marks(None, LAYOUT, ManualClock())
        state = here.state("api")
        assert await here.ensure(state)
        old = meta(state.version)
        await here.clear(state)
        assert here.is_valid_now(state, old) is False

    asyncio.run(scene())


def test_a_namespace_has_the_settings_of_the_whole_cache_but_for_its_own() -> None:
    own = NamespaceSettings(name="api", ttl_seconds=5, local=False)
    config = CacheConfig(ttl_seconds=60, compressor="gzip", namespaces=(own,))
    assert settings_of(config, "api") == NamespaceSettings(
        name="api",
        ttl_seconds=5,
        serialization_method="msgpack",
        compressor="gzip",
        dictionaries=True,
        encrypted=False,
        fail_safe_seconds=3600,
        negative_ttl_seconds=None,
        eager_refresh_ratio=0,
        local=False,
    )
    assert settings_of(config, "other").ttl_seconds == 60


def test_tags_that_were_cleared_by_others_are_forgotten_in_the_long_run() -> None:
    async def clear_many() -> None:
        line = Line()
        marks = line.marks()
        marks.watch(True)
        state = marks.state("api")
        for number in range(3 * MAX_TAGS):
            tag = f"user:{number}"
            if number % 10 == 0:
                await marks.tags(state, [tag])
            else:
                await marks.clear_tag(state, tag)
            marks.forget(LAYOUT.tag_mark("api", tag))
        assert len(marks._owners) <= 2 * MAX_TAGS
        assert len(marks._changes) <= 2 * MAX_TAGS
        await marks.ensure(state)
        (pair,) = await marks.tags(state, ["user:0"]) or ()
        assert marks.is_valid_now(state, Meta(0, None, state.version, (pair,)))
        marks.forget(LAYOUT.tag_mark("api", "user:0"))
        assert marks.is_valid_now(state, Meta(0, None, state.version, (pair,))) is None

    asyncio.run(clear_many())
