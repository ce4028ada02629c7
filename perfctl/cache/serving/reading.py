"""Looking a key up: in the process, then on the server, and whether what is found there still holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from perfctl.cache.entry import Entry, Packed
from perfctl.cache.serving.recovery import Missed
from perfctl.cache.serving.shared import UNANSWERED
from perfctl.cache.serving.tiers import Tiers, meta_of
from perfctl.cache.values.codec import Decoded, UndecodableError, UnknownDictionaryError
from perfctl.cache.values.meta import Meta
from perfctl.cache.values.scales import Scales
from perfctl.cache.values.weight import weigh_decoded

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState


class Look(NamedTuple):
    """What looking found."""

    entry: Entry | None
    """The value, fresh or past its TTL; None where there is none that holds."""
    tier: int = 1
    """1: the process had it; 2: the server."""
    is_answered: bool = True
    """Whether the server was not needed or gave its answer."""


NOTHING = Look(None)


class Reader:
    """Reads both tiers; keeps in the process what it finds on the server."""

    def __init__(self, tiers: Tiers) -> None:
        self._tiers = tiers
        self._local = tiers.local
        self._now = tiers.clock.monotonic
        self._time = tiers.clock.time
        self._scales: dict[NamespaceState, Scales] = {}

    def is_fresh(self, entry: Entry) -> bool:
        """Whether it is within its TTL, or stands in for a while."""
        now = self._now()
        return entry.fresh_until > now or entry.good_until > now

    def here(self, state: NamespaceState, name: bytes) -> Entry | None:
        """The entry in the process, where it may be served without asking anybody."""
        entry = self._local.entries.get(name)
        if entry is None or entry.good_until <= self._now() or entry.generation != state.generation:
            return None
        if entry.tags and not self._tiers.marks.is_valid_now(state, meta_of(entry)):
            return None
        self._local.recent.append(name)
        return entry

    def opened(self, state: NamespaceState, name: bytes) -> Entry | None:
        """The entry in the process, whatever it is good for; decoded now where it lies packed."""
        local = self._local
        packed = local.packed.get(name)
        if packed is not None:
            local.unpack(name, packed, self._unpacked(state, name, packed))
        return local.entries.get(name)

    def _unpacked(self, state: NamespaceState, name: bytes, packed: Packed) -> Entry | None:
        try:
            read = self._tiers.codec.quick(name, packed.blob)
        except UndecodableError:
            return None
        if read is None:
            return None
        value, _, created_ms, _, version = read
        return Entry(
            value,
            state,
            generation=packed.generation,
            good_until=packed.good_until,
            fresh_until=packed.fresh_until,
            kept_until=packed.kept_until,
            size_bytes=packed.size_bytes,
            version=version,
            created_ms=created_ms,
            checksum=crc32(packed.blob),
        )

    def plain(
        self, state: NamespaceState, name: bytes, blob: bytes, generation: int, *, is_weighed: bool
    ) -> Entry | None:
        """The entry of a blob that says no more than most do, and holds for sure; None where one must look closer."""
        tiers = self._tiers
        try:
            read = tiers.codec.quick(name, blob)
        except UndecodableError:
            return None
        if read is None:
            return None
        value, length, created_ms, fresh_ms, version = read
        if version != state.version or not tiers.marks.is_known(state):
            return None
        now, until = self._now(), inf
        if fresh_ms is not None:
            left_ms = created_ms + fresh_ms - int(self._time() * 1000)
            if left_ms <= 0:
                return None
            until = now + (left_ms if left_ms < fresh_ms else fresh_ms) / 1000
        scales = self.scales_of(state)
        entry = Entry(
            value,
            state,
            generation=generation,
            fresh_until=until,
            kept_until=until + (state.settings.fail_safe_seconds or 0.0),
            size_bytes=scales.weighed(value, length) if is_weighed else scales.weigh(value, length),
            version=version,
            created_ms=created_ms,
            checksum=crc32(blob),
        )
        tiers.trust(entry, now, state.settings.eager_refresh_ratio or 0.0)
        return entry

    def scales_of(self, state: NamespaceState) -> Scales:
        """What values of a namespace are weighed with."""
        return self._scales.get(state) or self._scales.setdefault(state, Scales())

    async def find(self, state: NamespaceState, name: bytes, *, counts: bool = True) -> Entry | None:
        """The entry that a reader is given who cannot compute; a miss is not counted. One past its TTL is given
        while the server, which may have a newer one, is away."""
        look = await self.look(state, name)
        found = self.given(state, look)
        if found is not None and counts:
            self.count(state, look)
        return found

    def given(self, state: NamespaceState, look: Look) -> Entry | None:
        """The entry of a look that such a reader is given."""
        entry = look.entry
        if entry is None or self.is_fresh(entry):
            return entry
        return entry if not look.is_answered and state.settings.fail_safe_seconds else None

    def count(self, state: NamespaceState, look: Look) -> None:
        """Count a hit."""
        if look.entry is not None and not self.is_fresh(look.entry):
            state.counts.stale += 1
        elif look.tier == 1:
            state.counts.hits_l1 += 1
        else:
            state.counts.hits_l2 += 1

    async def look(self, state: NamespaceState, name: bytes, eager: float | None = None) -> Look:
        """The entry of a key. `eager` is the share of its TTL after which it wants a refresh."""
        entry = self.here(state, name)
        if entry is not None:
            return Look(entry)
        entry = self.opened(state, name)
        if self._tiers.shared is None:
            return await self._alone(state, name, entry, eager)
        if entry is not None and await self._is_still_known(state, name, entry):
            return Look(entry)
        recovery = self._tiers.recovery
        case = Case(entry, state.generation, self._tiers.expect(name), self._eager(state, eager), recovery.of(name))
        return await self.judge(state, name, await self._tiers.shared.fetch(name, state.timings.reads), case)

    async def look_many(
        self, state: NamespaceState, names: Sequence[bytes], eager: float | None = None
    ) -> dict[bytes, Look]:
        """The same for many keys with one question to the server."""
        found: dict[bytes, Look] = {}
        cases: dict[bytes, Case] = {}
        shared = self._tiers.shared
        for name in names:
            entry = self.here(state, name)
            if entry is not None:
                found[name] = Look(entry)
                continue
            entry = self.opened(state, name)
            if shared is None:
                found[name] = await self._alone(state, name, entry, eager)
            elif entry is not None and await self._is_still_known(state, name, entry):
                found[name] = Look(entry)
            else:
                cases[name] = Case(
                    entry,
                    state.generation,
                    self._tiers.expect(name),
                    self._eager(state, eager),
                    self._tiers.recovery.of(name),
                )
        if cases and shared is not None:
            missing = list(cases)
            blobs = await shared.fetch_many(missing, state.timings.reads)
            await self._tiers.marks.ensure(state)
            for name, blob in zip(missing, blobs, strict=True):
                found[name] = await self.judge(state, name, blob, cases[name])
        return found

    async def _alone(self, state: NamespaceState, name: bytes, entry: Entry | None, eager: float | None) -> Look:
        """Without a server: whatever was not cleared holds."""
        if entry is None:
            return NOTHING
        if entry.kept_until <= self._now() or self._local.is_dead(entry) or not await self._holds(state, entry):
            self._local.delete(name)
            return NOTHING
        if entry.fresh_until > self._now():
            self._tiers.slide(entry)
            if entry.generation != state.generation:
                entry.generation = state.generation
                self._tiers.trust(entry, self._now(), self._eager(state, eager))
            self._local.recent.append(name)
        return Look(entry)

    async def _is_still_known(self, state: NamespaceState, name: bytes, entry: Entry) -> bool:
        """Whether an entry that wants a refresh, slides or has tags holds without asking for its blob."""
        now = self._now()
        is_known = entry.good_until > 0 and entry.fresh_until > now and entry.generation == state.generation
        if not is_known or (entry.good_until <= now and not self._tiers.is_verified):
            return False
        if not await self._holds(state, entry):
            return False
        self._slide(name, entry)
        return True

    async def _holds(self, state: NamespaceState, entry: Entry) -> bool:
        """Whether no clear of the namespace or of a tag came after it."""
        if not entry.tags:
            return True
        marks, meta = self._tiers.marks, meta_of(entry)
        if await marks.is_valid(state, meta):
            return True
        return marks.is_valid_now(state, meta) is None and self._tiers.stands(state, entry)

    async def judge(self, state: NamespaceState, name: bytes, blob: bytes | None, case: Case) -> Look:
        """What the server's answer makes of a key."""
        if blob is UNANSWERED:
            self._tiers.is_expected(name, case.ticket)
            missed = self._tiers.recovery.of(name)
            return Look(await self._standing(state, name, case, missed), 1, is_answered=False)
        if self._tiers.recovery or case.missed is not None:
            missed = self._tiers.recovery.of(name) or case.missed
            if missed is not None and (blob is None or not _is_newer(self._tiers, blob, missed.created_ms)):
                self._tiers.is_expected(name, case.ticket)
                return NOTHING if missed.blob is None else Look(await self._standing(state, name, case, missed))
        entry = None if blob is None else await self._read(state, name, blob, case)
        is_current = self._tiers.is_expected(name, case.ticket)
        if entry is None:
            if is_current:
                self._local.delete(name)
            return NOTHING
        if entry is case.entry:
            entry.generation = case.generation if is_current else -1
        elif is_current and state.settings.local is not False and entry.kept_until > self._now():
            self._local.keep(name, entry)
        self._slide(name, entry)
        return Look(entry, 2)

    async def _standing(self, state: NamespaceState, name: bytes, case: Case, missed: Missed | None) -> Entry | None:
        """What the process has of a key that the server does not tell, or does not know yet: its entry, or, where
        late news of older writes took that away, what the server was not told."""
        if case.entry is not None and self._tiers.stands(state, case.entry):
            return case.entry
        return None if missed is None else await self._untold(state, name, missed, case)

    async def _untold(self, state: NamespaceState, name: bytes, missed: Missed, case: Case) -> Entry | None:
        """The entry of a write that the server was not told. One under version 0 was made while nobody knew the
        version: a clear in this process takes such a write away itself."""
        if missed.blob is None or missed.left_ms(self._tiers.now_ms) == 0:
            return None
        decoded = await self._decode(state, name, missed.blob)
        if decoded is None or decoded.meta.version not in (0, state.version):
            return None
        if any(state.tags.get(tag) != version for tag, version in decoded.meta.tags):
            return None
        return self._entry_of(state, decoded, crc32(missed.blob), case)

    async def _read(self, state: NamespaceState, name: bytes, blob: bytes, case: Case) -> Entry | None:
        """The entry of a blob, if it holds: the one that the process has, where it came from the same blob."""
        checksum = crc32(blob)
        known = case.entry
        if known is not None and known.checksum == checksum and not self._local.is_dead(known):
            if not await self._is_valid(state, known.version, known.tags):
                return None
            self._tiers.trust(known, self._now(), case.eager)
            return known
        decoded = await self._decode(state, name, blob)
        if decoded is None or not await self._is_valid(state, decoded.meta.version, decoded.meta.tags):
            return None
        return self._entry_of(state, decoded, checksum, case)

    def _entry_of(self, state: NamespaceState, decoded: Decoded, checksum: int, case: Case) -> Entry:
        return self._tiers.entry(
            state,
            decoded.value,
            decoded.meta,
            weight=weigh_decoded(decoded.value),
            checksum=checksum,
            generation=case.generation,
            reserve_seconds=0.0 if decoded.meta.sliding else state.settings.fail_safe_seconds or 0.0,
            eager=case.eager,
        )

    async def _is_valid(self, state: NamespaceState, version: int, tags: tuple[tuple[str, int], ...]) -> bool:
        meta = Meta(0, None, version, tags)
        answer = self._tiers.marks.is_valid_now(state, meta)
        return await self._tiers.marks.is_valid(state, meta) if answer is None else answer

    async def _decode(self, state: NamespaceState, name: bytes, blob: bytes) -> Decoded | None:
        """The value in a blob; a blob that is none of ours is a counted miss."""
        codec = self._tiers.codec
        try:
            try:
                return codec.decode(name, blob)
            except UnknownDictionaryError as unknown:
                await self._fetch_dictionary(unknown)
                return codec.decode(name, blob)
        except UndecodableError:
            state.counts.undecodable += 1
            return None

    async def _fetch_dictionary(self, unknown: UnknownDictionaryError) -> None:
        shared, codec = self._tiers.shared, self._tiers.codec
        if shared is not None:
            await codec.prepare()
            await shared.ask(lambda: codec.dictionaries.fetch(unknown.namespace, unknown.number), None)

    def _slide(self, name: bytes, entry: Entry) -> None:
        """A read starts the life of a value that slides anew: here and, in the background, on the server."""
        shared, life = self._tiers.shared, entry.sliding
        if life is None:
            return
        self._tiers.slide(entry)
        if shared is not None:
            self._tiers.background.spawn(shared.ask(lambda: shared.store.touch([name], round(life * 1000)), 0))

    def _eager(self, state: NamespaceState, eager: float | None) -> float:
        return eager if eager is not None else state.settings.eager_refresh_ratio or 0.0


class Case(NamedTuple):
    """What was known of a key when the server was asked."""

    entry: Entry | None
    generation: int
    ticket: object
    eager: float
    missed: Missed | None
    """What the server had not been told by then: its answer may be from before."""


def _is_newer(tiers: Tiers, blob: bytes, created_ms: int) -> bool:
    try:
        return tiers.codec.peek(blob).created_ms > created_ms
    except UndecodableError:
        return False
