"""Which values still hold: the versions of namespaces and tags, so that clearing any number of keys is one write.

The server keeps a random 32-bit version for each namespace (`{prefix}:{namespace}:~v`) and each tag
(`{prefix}:{namespace}:~t:{tag}`). A value carries the versions at its writing; it holds while they are the same.
A version is made with SET NX at its first use: a mark that was evicted comes back with another one, so that it never
brings back what was cleared before (the values under it are lost, which a cache may do).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar
from weakref import WeakSet

from perfctl.cache.counters import Counters
from perfctl.cache.keys import KeyLayout
from perfctl.cache.namespaces import NEVER, NamespaceState, settings_of
from perfctl.cache.store import Write
from perfctl.cache.timings import Timings
from perfctl.cache.values.meta import Meta
from perfctl.config.settings import CacheConfig
from perfctl.recording.registry import Registry

if TYPE_CHECKING:
    from perfctl.cache.clock import Clock
    from perfctl.cache.store import Store

TRUSTED_SECONDS = 1.0
"""How long a mark that was read is believed while no backplane watches it."""
MAX_TAGS = 10_000
"""Tags of a namespace whose versions a process remembers; those that were learnt first are forgotten first."""

_MOST_TURNS = 4
_Answer = TypeVar("_Answer")

__all__ = ["MAX_TAGS", "TRUSTED_SECONDS", "Marks", "NamespaceState", "settings_of", "strictly"]


class Ask(Protocol):
    """How marks reach the server: `SharedTier.ask` for applications, `strictly` for operators."""

    async def __call__(self, call: Callable[[], Awaitable[_Answer]], otherwise: _Answer, /) -> _Answer: ...


async def strictly(call: Callable[[], Awaitable[_Answer]], otherwise: _Answer, /) -> _Answer:
    """Every failure of the server is raised."""
    return await call()


class Marks:
    """The marks of one prefix, cached in the process.

    A backplane calls `forget` for each name that changed, `everything_changed` when it was lost or came back, and
    `watch` when it begins or ceases to hear of changes. These three and the `..._now` ones never wait and may be
    called by any thread.
    """

    def __init__(
        self,
        store: Store | None,
        layout: KeyLayout,
        clock: Clock,
        *,
        config: CacheConfig | None = None,
        counters: Counters | None = None,
        recording: Registry | None = None,
        ask: Ask = strictly,
        announce: Callable[[Sequence[bytes]], None] | None = None,
    ) -> None:
        """Without a store, marks live in this process alone. `announce` is told of the marks that were written."""
        self._store = store
        self._layout = layout
        self._clock = clock
        self._config = config or CacheConfig()
        self._counters = counters or Counters()
        self._recording = recording or Registry()
        self._ask = ask
        self._announce = announce
        self._states: dict[str, NamespaceState] = {}
        self._owners: dict[bytes, tuple[NamespaceState, str | None]] = {}
        self._most_owners = 2 * MAX_TAGS
        self._changes: dict[bytes, int] = {}
        self._counted = 0
        self._losses = 0
        self._unsent: dict[bytes, int] = {}
        self._sending: dict[bytes, _Sending] = {}
        self._watched = False
        self._lock = threading.Lock()
        _MARKS.add(self)

    def state(self, namespace: str) -> NamespaceState:
        """The one object of a namespace."""
        known = self._states.get(namespace)
        return known if known is not None else self._add(namespace)

    def states(self) -> list[NamespaceState]:
        """Every namespace that this process has used."""
        return list(self._states.values())

    def is_known(self, state: NamespaceState) -> bool:
        """Whether its version is believed without asking."""
        known_at = state.known_at
        return known_at > NEVER and (self._watched or self._is_fresh(known_at))

    async def ensure(self, state: NamespaceState) -> bool:
        """Have the version of a namespace known and current; False when the server does not say it."""
        if self._is_fresh(state.known_at):
            return True
        return await self._learn({state.mark}) and state.version != 0

    async def tags(self, state: NamespaceState, tags: Iterable[str]) -> tuple[tuple[str, int], ...] | None:
        """The tags, each once, with their current versions: what a value is written with. None when the server does
        not say them."""
        names = sorted(set(tags))
        for _ in range(_MOST_TURNS):
            missing = {self._tag_mark(state, tag) for tag in names if not self._is_fresh_tag(state, tag)}
            if missing and not await self._learn(missing):
                return None
            found = [(tag, state.tags.get(tag, 0)) for tag in names]
            if all(version for _, version in found):
                return tuple(found)
        return None

    async def clear(self, state: NamespaceState) -> int:
        """Make everything written to the namespace so far invalid, with one write; the new version.

        At once in this process, whether the server answers or not: what it was not told waits in `unsent`.
        """
        version = _new_version()
        with self._lock:
            self._count_change(state.mark)
            self._unsent[state.mark] = version
            state.version = version
            state.known_at = self._clock.monotonic()
            state.generation += 1
        await self.send_unsent([state.mark])
        return version

    async def clear_tag(self, state: NamespaceState, tag: str) -> int:
        """The same for what was written with a tag."""
        version = _new_version()
        name = self._tag_mark(state, tag)
        with self._lock:
            self._owners[name] = (state, tag)
            self._count_change(name)
            self._unsent[name] = version
            self._keep_tag(state, tag, version)
        await self.send_unsent([name])
        return version

    @property
    def unsent(self) -> Mapping[bytes, int]:
        """Marks whose new version the server has not been told yet: it was away."""
        return dict(self._unsent)

    async def send_unsent(self, names: Iterable[bytes] | None = None) -> bool:
        """Tell the server of clears that it has not heard of: whether none is left. Repeat this, before any write
        that was made meanwhile, when the server is back."""
        for name in list(self._unsent) if names is None else list(names):
            await self._send(name)
        return not self._unsent

    async def is_valid(self, state: NamespaceState, meta: Meta) -> bool:
        """Whether a value with these versions holds. False, too, when the server does not say so."""
        for _ in range(_MOST_TURNS):
            answer = self.is_valid_now(state, meta)
            if answer is not None:
                return answer
            unknown = {self._tag_mark(state, tag) for tag, _ in meta.tags if not self._is_fresh_tag(state, tag)}
            if not self._is_fresh(state.known_at):
                unknown.add(state.mark)
            if not await self._learn(unknown):
                return False
        return False

    def is_valid_now(self, state: NamespaceState, meta: Meta) -> bool | None:
        """The same without asking; None where it must be asked."""
        if not self._is_fresh(state.known_at):
            return None
        if meta.version != state.version:
            return False
        is_known = True
        for tag, version in meta.tags:
            if not self._is_fresh_tag(state, tag):
                is_known = False
            elif state.tags.get(tag) != version:
                return False
        return True if is_known else None

    def holds_now(self, state: NamespaceState, version: int, tags: tuple[tuple[str, int], ...]) -> bool:
        """The same for a hit, False where it must be asked: a few look-ups while changes are announced."""
        if not self._watched and self._store is not None:
            return bool(self.is_valid_now(state, Meta(0, None, version, tags)))
        if state.version != version or state.known_at == NEVER:
            return False
        current, known = state.tags, state.tags_known_at
        for tag, written in tags:  # noqa: SIM110 - a generator would cost as much as the rest of the hit
            if current.get(tag) != written or tag not in known:
                return False
        return True

    def was_valid(self, state: NamespaceState, meta: Meta) -> bool:
        """Whether it held when last heard of: enough for a value that stands in while the server is away."""
        return 0 != state.version == meta.version and all(state.tags.get(tag) == version for tag, version in meta.tags)

    def forget(self, name: bytes) -> bool:
        """Hear that a name changed; whether it was a mark. What it marks is not served until it is read again."""
        owner = self._owners.get(name)
        if owner is None:
            return False
        state, tag = owner
        with self._lock:
            self._count_change(name)
            if name in self._unsent:
                return True
            if tag is None:
                state.version = 0
                state.known_at = NEVER
                state.generation += 1
            else:
                state.tags.pop(tag, None)
                state.tags_known_at.pop(tag, None)
        return True

    def everything_changed(self) -> None:
        """Hear that anything may have changed: nothing is served without asking. The versions stay as the last ones
        that were heard of, for `was_valid`."""
        self._losses += 1
        for state in self.states():
            state.known_at = NEVER
            state.tags_known_at.clear()
            state.generation += 1

    def watch(self, is_watched: bool) -> None:
        """Hear that changes are (not) announced: marks are believed until then, or for one second."""
        if is_watched == self._watched:
            return
        self._watched = is_watched
        if is_watched:  # what was read before may have changed unannounced
            for state in self.states():
                state.known_at = NEVER
                state.tags_known_at.clear()

    async def warm(self) -> None:
        """Read the marks of all namespaces, so that a server that evicts what is seldom read keeps them."""
        names = [state.mark for state in self.states()]
        store = self._store
        if store is not None and names:
            await self._get(store, names)

    def _add(self, namespace: str) -> NamespaceState:
        prefix = self._layout.namespace(namespace)
        made = NamespaceState(
            namespace,
            prefix,
            self._layout.mark(namespace),
            settings_of(self._config, namespace),
            self._counters.of(namespace),
            Timings(self._recording, namespace),
        )
        with self._lock:
            state = self._states.setdefault(namespace, made)
            self._owners[state.mark] = (state, None)
        return state

    def _tag_mark(self, state: NamespaceState, tag: str) -> bytes:
        name = self._layout.tag_mark(state.name, tag)
        if name not in self._owners:
            with self._lock:
                if len(self._owners) >= self._most_owners:
                    self._forget_tags()
                self._count_change(name)  # what changed while nobody knew the tag was not heard
                self._owners[name] = (state, tag)
        return name

    def _forget_tags(self) -> None:
        """Tags whose versions are not known any more: there are as many as users, in the long run."""
        for name, (state, tag) in list(self._owners.items()):
            if tag is not None and tag not in state.tags and name not in self._unsent:
                del self._owners[name]
                self._changes.pop(name, None)
        self._most_owners = 2 * max(MAX_TAGS, len(self._owners))

    def _is_fresh(self, known_at: float) -> bool:
        return known_at > NEVER and (
            self._watched or self._store is None or self._clock.monotonic() - known_at < TRUSTED_SECONDS
        )

    def _is_fresh_tag(self, state: NamespaceState, tag: str) -> bool:
        return self._is_fresh(state.tags_known_at.get(tag, NEVER))

    async def _learn(self, names: set[bytes]) -> bool:
        """Read marks, making those that are not there; whether the server answered.

        A mark that changes while it is read is read again: the answer may be older than the change.
        """
        wanted = sorted(names)
        for _ in range(_MOST_TURNS):
            if any(name in self._unsent for name in wanted):
                await self.send_unsent(wanted)
            before = {name: self._moment(name) for name in wanted}
            found = await self._read(wanted)
            if found is None:
                return False
            wanted = [name for name in wanted if not self._install(name, before[name], found[name])]
            if not wanted:
                return True
        return False

    async def _read(self, names: list[bytes]) -> dict[bytes, int] | None:
        store = self._store
        if store is None:
            return {name: _new_version() for name in names}
        blobs = await self._get(store, names)
        if blobs is None:
            return None
        found = {name: _version_in(blob) for name, blob in zip(names, blobs, strict=True)}
        for name, version in found.items():
            if version == 0:
                made = await self._create(name)
                if not made:
                    return None
                found[name] = made
        return found

    async def _get(self, store: Store, names: list[bytes]) -> list[bytes | None] | None:
        async def get() -> list[bytes | None] | None:
            return await store.get_many(names)

        return await self._ask(get, None)

    async def _create(self, name: bytes) -> int:
        """The version that a mark has from now on: ours, or that of a process that was faster; 0 where the server
        does not say."""
        store = self._store
        if store is None:
            return _new_version()
        version = _new_version()

        async def take() -> bool | None:
            return await store.take(name, b"%d" % version, None)

        is_ours = await self._ask(take, None)
        if is_ours is None:
            return 0
        if is_ours:
            self._tell(name)
            return version
        blobs = await self._get(store, [name])
        read = _version_in(blobs[0]) if blobs else 0
        return read if read or blobs is None else await self._overwrite(name, version)

    async def _overwrite(self, name: bytes, version: int) -> int:
        """A mark that is no number: nobody can judge by it."""
        return version if await self._write(name, version) else 0

    def _install(self, name: bytes, before: tuple[int, int], version: int) -> bool:
        """Believe what was read, unless the mark changed since `before`."""
        state, tag = self._owners.get(name, (None, None))
        if state is None:
            return True
        with self._lock:
            if self._moment(name) != before:
                return False
            version = self._unsent.get(name, version)
            if tag is not None:
                self._keep_tag(state, tag, version)
                return True
            if state.version not in (0, version):
                state.generation += 1
            state.version = version
            state.known_at = self._clock.monotonic()
        return True

    def _moment(self, name: bytes) -> tuple[int, int]:
        """Numbers of the last change of the mark, and of everything."""
        return self._changes.get(name, 0), self._losses

    def _count_change(self, name: bytes) -> None:
        self._counted += 1
        self._changes[name] = self._counted

    def _keep_tag(self, state: NamespaceState, tag: str, version: int) -> None:
        state.tags.pop(tag, None)
        if len(state.tags) >= MAX_TAGS:
            oldest = next(iter(state.tags))
            del state.tags[oldest]
            state.tags_known_at.pop(oldest, None)
            forgotten = self._layout.tag_mark(state.name, oldest)
            self._owners.pop(forgotten, None)
            self._changes.pop(forgotten, None)
        state.tags[tag] = version
        state.tags_known_at[tag] = self._clock.monotonic()

    async def _send(self, name: bytes) -> None:
        """Write the newest version of a mark; one at a time, so that an older one never comes last."""
        while (version := self._unsent.get(name)) is not None:
            own = _Sending(version)
            other = self._begin_to_send(name, own)
            if other is None:
                try:
                    if await self._write(name, version):
                        self._sent(name, version)
                finally:
                    if self._sending.get(name) is own:
                        self._sending.pop(name, None)
                return
            while self._sending.get(name) is other and other.is_under_way:  # noqa: ASYNC110 - on another loop, perhaps
                await asyncio.sleep(0.002)
            if other.version == version and self._sending.get(name) is not other:  # whether it arrived or not
                return

    def _begin_to_send(self, name: bytes, own: _Sending) -> _Sending | None:
        """None when it is our turn; else what somebody else sends just now."""
        with self._lock:
            other = self._sending.get(name)
            if other is not None and other.is_under_way:
                return other
            self._sending[name] = own
            return None

    def _sent(self, name: bytes, version: int) -> None:
        with self._lock:
            if self._unsent.get(name) == version:
                del self._unsent[name]

    async def _write(self, name: bytes, version: int) -> bool:
        store = self._store
        if store is None:
            return True

        async def write() -> bool:
            await store.set(Write(name, b"%d" % version, None))
            return True

        was_written = await self._ask(write, False)
        if not was_written:  # a server that is full still forgets: without a mark nobody serves what it marked
            await self._ask(lambda: store.delete([name]), 0)
        self._tell(name)
        return was_written

    def _tell(self, name: bytes) -> None:
        if self._announce is not None:
            self._announce([name])

    def _unlock_after_fork(self) -> None:
        """In a forked child: whoever held the lock was the parent's thread; what the parent heard since is not heard
        here."""
        self._lock = threading.Lock()
        self._sending = {}
        self._watched = False
        self.everything_changed()


class _Sending:
    """A version that is being told."""

    __slots__ = ("_loop", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self._loop: asyncio.AbstractEventLoop | None = None
        with suppress(RuntimeError):  # without a server, nothing is waited for
            self._loop = asyncio.get_running_loop()

    @property
    def is_under_way(self) -> bool:
        """False where its event loop was stopped under it: nobody may ever hear more of it."""
        return self._loop is not None and self._loop.is_running()


def _new_version() -> int:
    """At random, never 0."""
    return secrets.randbelow(0xFFFF_FFFF) + 1


def _version_in(blob: bytes | None) -> int:
    """The version that a mark holds; 0 when it holds none."""
    if blob is None or len(blob) > 10 or not blob.isdigit():
        return 0
    version = int(blob)
    return version if version <= 0xFFFF_FFFF else 0


_MARKS: WeakSet[Marks] = WeakSet()


def _unlock_all_after_fork() -> None:
    for marks in list(_MARKS):
        marks._unlock_after_fork()


os.register_at_fork(after_in_child=_unlock_all_after_fork)
