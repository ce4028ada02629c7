"""The shortest way of a get: a plain value, asked for together with others, decoded when its caller goes on."""

from __future__ import annotations

from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from perfctl.cache.clock import EPOCH_MS
from perfctl.cache.entry import MISSING, Entry, Packed
from perfctl.cache.local import OVERHEAD_BYTES
from perfctl.cache.serving.gathering import Asked, Batch, Gathering
from perfctl.cache.serving.reading import Case, Reader
from perfctl.cache.serving.tiers import LOCAL_SECONDS, Tiers
from perfctl.cache.values.codec import UndecodableError
from perfctl.cache.values.header import COMMON_HEAD, NEVER

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState
    from perfctl.cache.serving.shared import SharedTier

UNDECIDED: Final[Any] = LookupError("this must be looked at more closely")
"""In place of a value: `found` says what it is."""

_new = tuple.__new__
_LEAST_BYTES = COMMON_HEAD.size
_FOREIGN = bytes(_LEAST_BYTES)
_unpack_head = COMMON_HEAD.unpack_from


class _Closer(NamedTuple):
    """What the server has where it is not plain, or not sure to hold."""

    blob: Any
    """An exception where the node refused: fetch it by itself."""
    generation: int
    is_plain: bool = False
    """It is kept once it is weighed."""


class PlainReads:
    """Gets of one cache. `asked`, an await, `value`: most are done by then, the others end in `found`."""

    def __init__(self, tiers: Tiers, reader: Reader) -> None:
        self._tiers = tiers
        self._reader = reader
        self._local = tiers.local
        self._codec = tiers.codec
        self._now = tiers.clock.monotonic
        self._time = tiers.clock.time
        self._gathering: Gathering | None = None
        self._gatherings: dict[AbstractEventLoop, Gathering] = {}

    def asked(self, state: NamespaceState, name: bytes) -> Asked | None:
        """What to wait for, and then to give to `value`, of a key that has no entry in the process. None where that
        is the longer way: it lies packed there, there is no server, or it is not to be believed."""
        tiers = self._tiers
        shared = tiers.shared
        if shared is None or name in self._local.packed or tiers.recovery.missed:
            return None
        gathering = self._gathering
        if gathering is None or gathering.loop is not get_running_loop():
            gathering = self._gathering_here(shared)
        ticket = tiers.fetching[name] = gathering.ask(state, name)
        return ticket

    def opened(self, state: NamespaceState, name: bytes) -> Entry | None:
        """The entry of what lies packed in the process, where it may be served without asking anybody; counted."""
        packed = self._local.packed.get(name)
        if packed is None or packed.good_until <= self._now() or packed.generation != state.generation:
            return None
        entry = self._reader.opened(state, name)
        if entry is not None:
            self._local.recent.append(name)
            state.counts.hits_l1 += 1
        return entry

    def value(self, state: NamespaceState, name: bytes, answer: Any) -> Any:
        """The value in an answer; MISSING where there is none, UNDECIDED where `found` must say."""
        if type(answer) is not bytes:
            return UNDECIDED if answer is not None else MISSING
        try:
            read = self._codec.quick(name, answer)
        except UndecodableError:
            return UNDECIDED
        if read is None:
            return UNDECIDED
        state.counts.hits_l2 += 1
        return read[0]

    async def found(self, state: NamespaceState, name: bytes, asked: Asked | None) -> Entry | None:
        """The entry of a key, after `asked`, and `value`, which did not decide. A miss is not counted."""
        tiers, reader = self._tiers, self._reader
        shared = tiers.shared
        if asked is None or shared is None:
            return await reader.find(state, name)
        answer: Any = asked.result()
        generation = state.generation
        if type(answer) is bytes:  # kept, and not to be decoded
            reader.opened(state, name)
        elif isinstance(answer, Exception):
            answer = await shared.fetch(name, state.timings.reads)
        elif type(answer) is _Closer and isinstance(answer[0], Exception):  # refused, while the process has to catch up
            answer, generation = await shared.fetch(name, state.timings.reads), answer[1]
        elif type(answer) is _Closer:
            answer, generation, is_weighed = answer
            entry = None
            if answer is not None and not tiers.recovery:
                entry = reader.plain(state, name, answer, generation, is_weighed=is_weighed)
            if entry is not None:
                if tiers.is_expected(name, asked) and state.settings.local is not False:
                    self._local.keep(name, entry)
                state.counts.hits_l2 += 1
                return entry
        case = Case(None, generation, asked, state.settings.eager_refresh_ratio or 0.0, tiers.recovery.of(name))
        look = await reader.judge(state, name, answer, case)
        entry = reader.given(state, look)
        if entry is not None:
            reader.count(state, look)
        return entry

    def forget(self) -> None:
        """In a forked child: who waits does so in the parent."""
        self._gathering, self._gatherings = None, {}

    def _gathering_here(self, shared: SharedTier) -> Gathering:
        """The one of the running event loop."""
        loop = get_running_loop()
        known = self._gatherings.get(loop)
        if known is None:
            for closed in [each for each in self._gatherings if each.is_closed()]:
                self._gatherings.pop(closed, None)
            known = self._gatherings[loop] = Gathering(shared, self._judge)
        self._gathering = known
        return known

    def _judge(self, batch: Batch, blobs: Sequence[Any]) -> list[Any]:
        """What each caller is told: the blob, where its header says that it is plain and holds; the process has it
        from now on. None where nothing is there; else what `found` looks at."""
        if self._tiers.recovery:
            return [_Closer(blob, generation) for blob, generation in zip(blobs, batch.generations, strict=True)]
        states = batch.states
        if states.count(states[0]) == len(states):
            return self._judged(states[0], batch.names, batch.generations, batch.waiting, blobs)
        answers = []
        for state, name, *of_one in zip(states, batch.names, batch.generations, batch.waiting, blobs, strict=True):
            generation, ticket, blob = of_one
            answers += self._judged(state, [name], [generation], [ticket], [blob])
        return answers

    def _judged(
        self,
        state: NamespaceState,
        names: Sequence[bytes],
        generations: Sequence[int],
        tickets: Sequence[object],
        blobs: Sequence[Any],
    ) -> list[Any]:
        """The same for one namespace."""
        tiers, settings = self._tiers, state.settings
        now, epoch_ms = self._now(), int(self._time() * 1000) - EPOCH_MS
        trusted_until = inf if tiers.is_verified else now + LOCAL_SECONDS
        first_bytes = self._codec.plain_starts(state.name)
        version = state.version if tiers.marks.is_known(state) and not settings.eager_refresh_ratio else None
        estimate, reserve_seconds = self._reader.scales_of(state).estimate, settings.fail_safe_seconds or 0.0
        answers: list[Any] = []
        newcomers: list[tuple[bytes, Packed, object]] = []
        for name, generation, ticket, blob in zip(names, generations, tickets, blobs, strict=True):
            if type(blob) is not bytes:
                answers.append(self._nothing(name, ticket, blob, generation))
                continue
            first, written, high, low, fresh, length, _ = _unpack_head(blob if len(blob) > _LEAST_BYTES else _FOREIGN)
            if written != version or first not in first_bytes:
                answers.append(_Closer(blob, generation))
                continue
            until = inf
            if fresh != NEVER:
                left_ms = (high << 32 | low) + fresh - epoch_ms
                until = now + (left_ms if left_ms < fresh else fresh) / 1000
            weight = estimate(length)
            if not weight or until <= now:
                answers.append(_Closer(blob, generation, until > now))
                continue
            answers.append(blob)
            good_until = until if until < trusted_until else trusted_until
            size_bytes = weight + len(name) + OVERHEAD_BYTES
            packed = (blob, state, generation, good_until, until, until + reserve_seconds, size_bytes, written)
            newcomers.append((name, _new(Packed, packed), ticket))
        if settings.local is not False:
            self._local.keep_packed(newcomers, tiers.fetching)
        else:
            for name, _, ticket in newcomers:
                tiers.is_expected(name, ticket)
        return answers

    def _nothing(self, name: bytes, ticket: object, answer: Any, generation: int) -> Any:
        """What a caller is told whose answer is no blob."""
        if answer is None and name in self._local:
            return _Closer(None, generation)
        if not isinstance(answer, Exception):
            self._tiers.is_expected(name, ticket)
        return answer
