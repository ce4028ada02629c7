"""zstd dictionaries, one namespace's own: trained from what was written there, shared by all processes, watched.

    {prefix}:{namespace}:~d          the pointer: which dictionary new values are written with
    {prefix}:{namespace}:~d:{id}     a dictionary under its id, four hexadecimal digits

Both are blobs of ours (so a namespace that is encrypted encrypts them, too) of a mapping. The id is made of the
content; the checksum of a value's blob starts from the whole dictionary's own, so that a value is never expanded with
another dictionary that came by the same id. A dictionary lives as long as the longest life of a value written with it,
and is put back by the processes that hold it; where it is gone all the same, its values are misses and written anew.
A dictionary is adopted when it leaves at least a tenth less of held-out values than plain zstd, dropped when it saves
less than 3 % of what is written, and replaced by a later one that leaves 5 % less than it does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from perfctl.cache.values.header import UndecodableError
from perfctl.cache.values.sampling import Tracked
from perfctl.errors import PerfctlError, UsageError

if TYPE_CHECKING:
    from perfctl.cache.keys import KeyLayout
    from perfctl.cache.store import Store
    from perfctl.cache.values.compressors.zstd import Zstd

LARGEST_VALUE_BYTES = 32 * 1024
"""Above, a dictionary saves less than a point."""
DICTIONARY_BYTES = 16 * 1024
LEAST_LIFE_MS = 7 * 24 * 3600 * 1000
"""However short its values live: what is loaded again tomorrow shall find its dictionary."""

_LEAST_GAIN = 0.1
_LEAST_PROGRESS = 0.95
_RETRAIN_SECONDS = 3600.0
"""How long a dictionary that pays is in use before its successor is tried."""
_FEWEST_SAMPLES = 8
_LOOK_SECONDS = 60.0
_RENEW_SECONDS = 3600.0
_RETRY_SECONDS = 600.0
_LONGEST_RETRY_SECONDS = 6 * 3600.0
_GONE_SECONDS = 10.0
_LOCK_MS = 60_000
_MOST_TRACKED = 256
_LOG = logging.getLogger("perfctl.cache")


class Dictionary(NamedTuple):
    """A dictionary, ready for use."""

    number: int
    """Its id."""
    content: bytes
    checksum: int
    created_ms: int
    samples: int
    ratio: float
    """What it left of held-out values, as a share."""
    plain_ratio: float
    """What plain zstd left of them."""
    coder: Zstd
    """What compresses and expands with it."""


class DictionaryFacts(NamedTuple):
    """A dictionary on the server, for `cache dict list`."""

    namespace: str
    id: str
    size_bytes: int
    created_ms: int
    samples: int
    ratio: float
    plain_ratio: float
    is_current: bool
    ttl_ms: int | None


class Trained(NamedTuple):
    """What came of a training: the dictionary's facts, or None, and why."""

    dictionary: DictionaryFacts | None
    reason: str
    ratio: float | None
    """None where nothing could be trained, and so nothing was measured."""
    plain_ratio: float | None
    samples: int


class Dictionaries:
    """Every dictionary that this process knows, and what it learns of its writes. Safe under threads."""

    def __init__(
        self,
        layout: KeyLayout,
        *,
        pack: Callable[[bytes, Any, str], bytes],
        unpack: Callable[[bytes, bytes], Any],
        store: Callable[[], Store] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pack(name, value, namespace)` makes a blob of ours, `unpack(name, blob)` reads it (UndecodableError)."""
        self._layout = layout
        self._pack = pack
        self._unpack = unpack
        self._store = store
        self._now = now
        self._known: dict[tuple[str, int], Dictionary] = {}
        self._gone: dict[tuple[str, int], float] = {}
        self._tracked: dict[str, Tracked] = {}
        self._plans: dict[str, _Plan] = {}
        self._due_at = 0.0

    def connect(self, store: Callable[[], Store]) -> None:
        """Where dictionaries lie; asked for when the first one is looked for."""
        self._store = store

    def tracked(self, namespace: str) -> Tracked | None:
        """What is known of a namespace's writes; None for one namespace too many."""
        known = self._tracked.get(namespace)
        if known is None and len(self._tracked) < _MOST_TRACKED:
            known = self._tracked.setdefault(namespace, Tracked(namespace, self._layout.namespace(namespace)))
            self._due_at = 0.0
        return known

    def known(self, namespace: str, number: int) -> Dictionary | None:
        """The dictionary of an id, where this process has it. UndecodableError where the server was just asked."""
        found = self._known.get((namespace, number))
        if found is None and self._gone and self._gone.get((namespace, number), 0.0) > self._now():
            raise UndecodableError(f"its dictionary {number:04x} is gone")
        return found

    async def fetch(self, namespace: str, number: int) -> bool:
        """Get a dictionary from the server; whether it was there. Decode again after that, whatever it says.

        Raises what the store raises.
        """
        name = self._name(namespace, number)
        fetched = await self._server.get(name)
        dictionary = None if fetched is None else self._read(name, fetched.blob, number)
        if dictionary is None:
            self._remember_gone(namespace, number)
            return False
        self._known[namespace, number] = dictionary
        return True

    def lives(self, namespace: str, ttl_ms: int | None) -> None:
        """A value was given a longer life on the server than it was written with: so is its dictionary."""
        tracked = self._tracked.get(namespace)
        if tracked is not None:
            tracked.lives(float("inf") if ttl_ms is None else ttl_ms)

    @property
    def is_due(self) -> bool:
        """Whether `maintain` has something to do; cheap enough to ask at each write."""
        return self._now() >= self._due_at

    async def maintain(self) -> None:
        """Adopt what other processes trained, keep alive what is in use, train where it pays. Never raises for the
        server's sake. Call it now and then, in the background; training itself runs in a thread."""
        if self._store is None or not self.is_due:
            return
        self._due_at = self._now() + 5.0
        for tracked in list(self._tracked.values()):
            try:
                await self._tend(tracked)
            except PerfctlError as error:
                _LOG.debug("dictionaries of namespace %s: %s", tracked.namespace, error.message)
                self._plan(tracked).pause(self._now())

    async def ready(self, namespace: str) -> None:
        """Adopt a namespace's dictionary before many values are written. Raises what the store raises."""
        tracked = self.tracked(namespace)
        if tracked is not None:
            await self._look(tracked)

    async def train(
        self, namespace: str, samples: Sequence[bytes], *, better_than: Dictionary | None = None
    ) -> Trained:
        """Train a dictionary of serialised values, store it, and let all processes write with it.

        Refused (`dictionary` None, `reason`) when it does not pay, or is not 5 % better than another one. Raises what
        the store raises. Takes ~0.2 s of CPU in a thread.
        """
        made = await asyncio.to_thread(trained, list(samples), better_than)
        if not isinstance(made, Dictionary):
            return made
        stored = await self._publish(namespace, made)
        tracked = self.tracked(namespace)
        if tracked is not None:
            tracked.adopt(stored)
        facts = _facts(namespace, stored, LEAST_LIFE_MS, is_current=True)
        return Trained(facts, "", made.ratio, made.plain_ratio, made.samples)

    async def list(self, namespace: str) -> list[DictionaryFacts]:
        """The dictionaries of a namespace on the server, the newest first. Raises what the store raises."""
        current = await self._pointed(namespace)
        prefix = self._layout.own(namespace, b"d:")
        found = []
        async for names in self._server.scan(prefix):
            for name in set(names):
                fetched = await self._server.get(name)
                number = _number(name[len(prefix) :])
                dictionary = None if fetched is None or number is None else self._read(name, fetched.blob, number)
                if dictionary is not None and fetched is not None:
                    is_current = dictionary.number == current
                    found.append(_facts(namespace, dictionary, fetched.ttl_ms, is_current=is_current))
        return sorted(set(found), key=lambda facts: -facts.created_ms)

    async def drop(self, namespace: str) -> bool:
        """Write without a dictionary from now on, in all processes; what was written stays readable."""
        tracked = self._tracked.get(namespace)
        if tracked is not None:
            tracked.adopt(None)
        return await self._server.delete([self._layout.own(namespace, b"d")]) > 0

    @property
    def _server(self) -> Store:
        if self._store is None:
            raise UsageError("no server is connected: a dictionary lies on one")
        return self._store()

    def _plan(self, tracked: Tracked) -> _Plan:
        return self._plans.setdefault(tracked.namespace, _Plan())

    async def _tend(self, tracked: Tracked) -> None:
        plan, now = self._plan(tracked), self._now()
        if now < plan.paused_until:
            return
        if now >= plan.look_at:
            await self._look(tracked)
        if tracked.active is not None and tracked.longest_ms and (tracked.lives_longer or now >= plan.renew_at):
            tracked.lives_longer = False
            plan.renew_at = now + _RENEW_SECONDS
            await self._renew(tracked, tracked.active)
        if tracked.has_enough and now >= (plan.train_at if tracked.active is None else plan.retrain_at):
            await self._train_here(tracked, plan)

    async def _look(self, tracked: Tracked) -> None:
        """Adopt what the pointer names, unless it was found not to pay here."""
        plan = self._plan(tracked)
        plan.look_at = self._now() + _LOOK_SECONDS
        number = await self._pointed(tracked.namespace)
        if number is None or (tracked.active is not None and tracked.active.number == number):
            return
        if (tracked.namespace, number) not in self._known and not await self.fetch(tracked.namespace, number):
            return
        dictionary = self._known[tracked.namespace, number]
        if dictionary.checksum not in tracked.rejected:
            tracked.adopt(dictionary)
            plan.retrain_at = self._now() + _RETRAIN_SECONDS

    async def _renew(self, tracked: Tracked, dictionary: Dictionary) -> None:
        """Let a dictionary live as long as what was written with it; put it back where it is gone."""
        name = self._name(tracked.namespace, dictionary.number)
        life_ms = _life_ms(tracked.longest_ms)
        fetched = await self._server.get(name)
        if fetched is None:
            await self._write(name, dictionary, tracked.namespace, life_ms)
        elif fetched.ttl_ms is not None and (life_ms is None or fetched.ttl_ms < life_ms - _RENEW_SECONDS * 1000):
            await self._server.touch([name], life_ms)
            await self._server.touch([self._layout.own(tracked.namespace, b"d")], life_ms)

    async def _train_here(self, tracked: Tracked, plan: _Plan) -> None:
        lock, token = self._layout.own(tracked.namespace, b"dlock"), b"%x" % id(tracked)
        plan.delay()
        plan.train_at = self._now() + plan.retry_seconds
        plan.retrain_at = self._now() + max(_RETRAIN_SECONDS, plan.retry_seconds)
        if not await self._server.take(lock, token, _LOCK_MS):
            plan.look_at = self._now() + 2.0
            plan.train_at = self._now() + 30.0
            return
        try:
            made = await self.train(tracked.namespace, list(tracked.samples), better_than=tracked.active)
        finally:
            await self._server.release(lock, token)
        if made.dictionary is not None:
            plan.settle()
            tracked.refresh_samples()
        elif tracked.is_unsatisfied and tracked.active is None:
            await self.drop(tracked.namespace)
            tracked.is_unsatisfied = False

    async def _publish(self, namespace: str, made: Dictionary) -> Dictionary:
        """Store under an id that no other content has, then point to it."""
        tracked = self._tracked.get(namespace)
        life_ms = _life_ms(0 if tracked is None else tracked.longest_ms)
        for number in _numbers(made.checksum):
            name = self._name(namespace, number)
            fetched = await self._server.get(name)
            other = None if fetched is None else self._read(name, fetched.blob, number)
            if other is None or other.checksum == made.checksum:
                break
        dictionary = made._replace(number=number)
        await self._write(name, dictionary, namespace, life_ms)
        self._known[namespace, number] = dictionary
        pointer = self._layout.own(namespace, b"d")
        await self._set(pointer, {"id": number, "created_ms": dictionary.created_ms}, namespace, life_ms)
        return dictionary

    async def _write(self, name: bytes, dictionary: Dictionary, namespace: str, life_ms: int | None) -> None:
        _, content, _, created_ms, samples, kept, plain, _ = dictionary
        value = {"content": content, "created_ms": created_ms, "samples": samples, "ratio": kept, "plain_ratio": plain}
        await self._set(name, value, namespace, life_ms)

    async def _set(self, name: bytes, value: Any, namespace: str, life_ms: int | None) -> None:
        from perfctl.cache.store import Write

        await self._server.set(Write(name, self._pack(name, value, namespace), life_ms))

    async def _pointed(self, namespace: str) -> int | None:
        name = self._layout.own(namespace, b"d")
        fetched = await self._server.get(name)
        value = None if fetched is None else self._unpacked(name, fetched.blob)
        number = value.get("id") if isinstance(value, dict) else None
        return number if isinstance(number, int) and 0 < number < 1 << 16 else None

    def _read(self, name: bytes, blob: bytes, number: int) -> Dictionary | None:
        value = self._unpacked(name, blob)
        try:
            return prepared(value["content"], number, **{field: value[field] for field in _FIELDS})
        except (TypeError, KeyError, ValueError):
            return None

    def _unpacked(self, name: bytes, blob: bytes) -> Any:
        try:
            return self._unpack(name, blob)
        except UndecodableError:
            return None

    def _name(self, namespace: str, number: int) -> bytes:
        return self._layout.own(namespace, b"d:%04x" % number)

    def _remember_gone(self, namespace: str, number: int) -> None:
        if len(self._gone) > 1000:
            self._gone.clear()
        self._gone[namespace, number] = self._now() + _GONE_SECONDS


class _Plan:
    """When to do what for a namespace."""

    def __init__(self) -> None:
        self.look_at = 0.0
        self.renew_at = 0.0
        self.train_at = 0.0
        self.retrain_at = 0.0
        self.paused_until = 0.0
        self.retry_seconds = 0.0

    def delay(self) -> None:
        """Twice as long until the next training, until one succeeds."""
        self.retry_seconds = min(_LONGEST_RETRY_SECONDS, max(_RETRY_SECONDS, self.retry_seconds * 2))

    def settle(self) -> None:
        """A training succeeded."""
        self.retry_seconds = 0.0

    def pause(self, now: float) -> None:
        """The server does not answer."""
        self.paused_until = now + 10.0


_FIELDS = ("created_ms", "samples", "ratio", "plain_ratio")


def trained(samples: Sequence[bytes], better_than: Dictionary | None = None) -> Dictionary | Trained:
    """A dictionary of three quarters of the samples, tried on the others; or why there is none. Pure but for the
    clock."""
    from perfctl.cache.values.compressors.zstd import COMPRESSOR
    from perfctl.cache.values.compressors.zstd import trained as learn

    held_out = samples[::4]
    learned = [sample for index, sample in enumerate(samples) if index % 4]
    if len(learned) < _FEWEST_SAMPLES:
        return Trained(None, f"{len(samples)} samples are too few", None, None, len(samples))
    try:
        content = learn(learned, DICTIONARY_BYTES)
    except ValueError:
        return Trained(None, "the samples have nothing in common", None, None, len(samples))
    made = prepared(content, 0, created_ms=int(time.time() * 1000), samples=len(samples), ratio=1.0, plain_ratio=1.0)
    total = sum(map(len, held_out))
    plain = sum(min(len(sample), len(COMPRESSOR.compress(sample))) for sample in held_out)
    with_it = sum(min(len(sample), 2 + len(made.coder.compress(sample))) for sample in held_out)
    if with_it > plain * (1 - _LEAST_GAIN):
        return Trained(None, "plain zstd does as well", with_it / total, plain / total, len(samples))
    if better_than is not None:
        other = sum(min(len(sample), 2 + len(better_than.coder.compress(sample))) for sample in held_out)
        if with_it > other * _LEAST_PROGRESS:
            return Trained(None, "the dictionary in use does as well", with_it / total, plain / total, len(samples))
    return made._replace(ratio=with_it / total, plain_ratio=plain / total)


def prepared(
    content: bytes, number: int, *, created_ms: int, samples: int, ratio: float, plain_ratio: float
) -> Dictionary:
    """A dictionary of its bytes. ValueError for bytes that are none."""
    from perfctl.cache.values.compressors.zstd import with_dictionary

    if type(content) is not bytes or not 8 <= len(content) <= 1 << 20:
        raise ValueError("not a dictionary of ours")
    if not all(isinstance(fact, (int, float)) for fact in (created_ms, samples, ratio, plain_ratio)):
        raise ValueError("not a dictionary of ours")
    coder = with_dictionary(content)
    return Dictionary(number, content, crc32(content), int(created_ms), int(samples), ratio, plain_ratio, coder)


def _numbers(checksum: int) -> Iterator[int]:
    """Ids to try for a content: 16 bits of its checksum, then the next ones."""
    for offset in range(64):
        yield (checksum + offset) % 0xFFFF + 1


def _number(text: bytes) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None


def _life_ms(longest_ms: float) -> int | None:
    return None if longest_ms == float("inf") else int(max(LEAST_LIFE_MS, longest_ms * 1.25))


def _facts(namespace: str, dictionary: Dictionary, ttl_ms: int | None, *, is_current: bool) -> DictionaryFacts:
    number, content, _, created_ms, samples, kept, plain, _ = dictionary
    return DictionaryFacts(
        namespace, f"{number:04x}", len(content), created_ms, samples, kept, plain, is_current, ttl_ms
    )
