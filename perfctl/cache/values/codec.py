"""A value as it lies on the server: a header (`header`), the serialised bytes, and what seals them.

After the header stand the serialised and perhaps compressed bytes, and an ending (`endings`) that binds
them to the header and to the key's name: a blob with a flipped byte, and one that lies under another key than its own,
is no value. Blobs of version 1 have no ending and are still read.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from perfctl.cache.clock import EPOCH_MS
from perfctl.cache.keys import KeyLayout
from perfctl.cache.values.bounds import MAX_VALUE_BYTES
from perfctl.cache.values.compressors import COMPRESSOR_NAMES
from perfctl.cache.values.endings import CHECKSUM_BYTES, DAMAGED, Endings
from perfctl.cache.values.header import (
    COMMON_HEAD,
    DICTIONARY,
    ENCRYPTED,
    HEAD,
    NEVER,
    SIGNED,
    Header,
    UndecodableError,
    read_header,
    refuse_meta,
    write_header,
    write_small_header,
)
from perfctl.cache.values.meta import Meta
from perfctl.cache.values.packing import (
    LARGEST_WITH_DICTIONARY_BYTES,
    LEAST_BYTES,
    LEAST_WITH_DICTIONARY_BYTES,
    MOST_LEFT,
    expanded,
    packed,
)
from perfctl.cache.values.plans import Plain, Plan, check
from perfctl.cache.values.serializers import NEEDS_SEAL, SERIALIZER_NAMES, SERIALIZERS, Serializer, serializer_named
from perfctl.config.settings import CacheConfig, NamespaceSettings
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.store import Store
    from perfctl.cache.values.dictionaries import Dictionaries, Dictionary

__all__ = ["MAX_VALUE_BYTES", "BlobFacts", "Codec", "Decoded", "UndecodableError", "UnknownDictionaryError", "peek"]

_MOST_PLANS = 4096
_PLAIN_START = HEAD.size
_SMALL_START = COMMON_HEAD.size
_NO_PLAN = Plan(CacheConfig(), "", None, b"\xff no name starts so")
_new = tuple.__new__
_unpack_head = COMMON_HEAD.unpack_from
_unpack_checksum = struct.Struct(">I").unpack_from
_pack_checksum = struct.Struct(">I").pack
_FOREVER_MS = float("inf")


class UnknownDictionaryError(UndecodableError):
    """A blob that needs a dictionary which this process has not fetched: await `codec.dictionaries.fetch(namespace,
    number)` and decode again."""

    def __init__(self, number: int, namespace: str) -> None:
        super().__init__(f"dictionary {number:04x} of namespace {namespace!r} is not here")
        self.number = number
        self.namespace = namespace


class Decoded(NamedTuple):
    """A value and what its blob says of it."""

    value: Any
    meta: Meta


class BlobFacts(NamedTuple):
    """How a blob was made, for `inspect`."""

    serializer: str
    compressor: str
    dictionary: str | None
    """Its id, as `dict list` shows it."""
    key_id: str | None
    is_encrypted: bool
    decoded_bytes: int
    ratio: float
    """The share of the serialised bytes that the blob takes, header included."""
    meta: Meta


class Codec:
    """Encodes as the configuration says, decodes what any of ours wrote. Safe under threads.

    `store` is where dictionaries lie; without one, none is used.
    """

    def __init__(
        self,
        config: CacheConfig,
        *,
        layout: KeyLayout | None = None,
        store: Callable[[], Store] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """ConfigError for a combination that is not safe, such as pickle without a key."""
        self._config = config
        self._layout = layout or KeyLayout(config.key_prefix)
        self._root_bytes = len(self._layout.root)
        self._store = store
        self._now = now
        self._endings = Endings(config)
        self._own: Mapping[str, NamespaceSettings] = {settings.name: settings for settings in config.namespaces}
        self._plans: dict[str, Plan] = {}
        self._by_prefix: dict[bytes, Plan] = {}
        self._dictionaries: Dictionaries | None = None
        for own in (None, *config.namespaces):
            check(config, own)
        self._last = _NO_PLAN

    @property
    def serializer(self) -> Serializer:
        """The one of namespaces without settings of their own."""
        return self._plan("").serializer

    def serializer_of(self, namespace: str) -> Serializer:
        """How the values of a namespace become bytes: what `weigh` asks."""
        return self._plan(namespace).serializer

    def plain_starts(self, namespace: str) -> tuple[int, int]:
        """The first four bytes of a namespace's values that `quick` reads, with a dictionary and without."""
        plan = self._plan(namespace)
        return plan.small_start, plan.plain_start

    def plain(self, namespace: str) -> Plain:
        """How small values of a namespace are kept; what `express` writes by itself."""
        plan = self._plan(namespace)
        if plan.seal or plan.codec_none != SERIALIZERS["msgpack"] << 4:
            return Plain(plan.codec_none, 0)
        has_dictionary = plan.tracked is not None and plan.tracked.active is not None
        return Plain(plan.codec_none, LEAST_WITH_DICTIONARY_BYTES if has_dictionary else LEAST_BYTES)

    @property
    def dictionaries(self) -> Dictionaries:
        """The zstd dictionaries of this process."""
        if self._dictionaries is None:
            from perfctl.cache.values.dictionaries import Dictionaries

            self._dictionaries = Dictionaries(
                self._layout,
                pack=self._pack_dictionary,
                unpack=self._unpack_dictionary,
                store=self._store,
                now=self._now,
            )
        return self._dictionaries

    @property
    def is_prepared(self) -> bool:
        """Whether `prepare` has nothing to do."""
        return self._endings.ring.is_resolved

    async def prepare(self) -> None:
        """Look up the keys, where any are configured; what is not prepared looks them up when it first needs them,
        which may block. ConfigError where a reference leads nowhere; what AWS raises."""
        if not self._endings.ring.is_resolved:
            await self._endings.ring.resolve()

    def encode(self, name: bytes, value: Any, meta: Meta, *, namespace: str) -> bytes:
        """What to keep under the server's `name`; compressed when that saves a tenth.

        UsageError when the value is too big or of a type that does not come back.
        """
        plan = self._plans.get(namespace) or self._plan(namespace)
        try:
            raw = plan.dumps(value)
        except ValueError as error:
            hint = "text must be valid Unicode" if isinstance(error, UnicodeError) else plan.serializer.hint
            raise UsageError(f"cannot cache a value: {error}", hint=hint) from error
        length = len(raw)
        tracked = plan.tracked
        codec, dictionary, body = plan.codec_none, None, raw
        if tracked is not None and LEAST_WITH_DICTIONARY_BYTES <= length <= LARGEST_WITH_DICTIONARY_BYTES:
            active = tracked.active
            if active is not None:
                small = active.coder.compress(raw)
            else:
                small = raw if length < LEAST_BYTES else plan.compressor.compress(raw)
            tracked.writes += 1
            if tracked.writes >= tracked.look_at:
                tracked.look(raw, min(length, len(small)), plan.compressor)
            if len(small) <= length * MOST_LEFT:
                codec, dictionary, body = plan.codec_packed, active, small
        elif length >= LEAST_BYTES:
            codec, body = packed(plan, raw)
        _, fresh_ms, _, tags, _, etag = meta
        if tags or etag is not None:
            refuse_meta(meta)
        self._keep_alive(plan, dictionary, fresh_ms)
        if plan.seal:
            return self._endings.ended(name, codec, meta, length, body, dictionary=dictionary, seal=plan.seal)
        if dictionary is None:
            header, crc = write_header(codec, meta, length), crc32(name)
        else:
            header = write_small_header(plan.small_start, meta, length, dictionary.number)
            crc = crc32(name, dictionary.checksum)
        return header + body + _pack_checksum(crc32(header, crc32(body, crc)))

    def decode(self, name: bytes, blob: bytes, *, lenient: bool = False) -> Decoded:
        """The value that lies under `name`. UndecodableError for anything that `encode` did not write there; memory
        and depth are bounded. `lenient` gives a readable mapping where a value's class is not registered here."""
        quick = None if lenient else self.quick(name, blob)
        if quick is None:
            return self._decode(self._plan_of(name), name, blob, lenient)
        value, _, created_ms, fresh_ms, version = quick
        return _new(Decoded, (value, _new(Meta, (created_ms, fresh_ms, version, (), False, None))))

    def quick(self, name: bytes, blob: bytes) -> tuple[Any, int, int, int | None, int] | None:
        """What most blobs hold, in as few steps as there can be: the value, its serialised length, when it was
        written, how long it is fresh, the namespace's version. None for a blob with more to say, or one that is not
        compressed; UndecodableError as of `decode`."""
        plan = self._last
        if not name.startswith(plan.prefix):
            plan = self._last = self._plan_of(name)
        try:
            first, version, high, low, fresh, length, number = _unpack_head(blob)
        except struct.error:
            return None
        if first == plan.small_start:
            dictionary = plan.tracked.active if plan.tracked is not None else None
            if dictionary is None or dictionary.number != number:
                dictionary = self._known(plan, number)
            start, crc, coder = _SMALL_START, crc32(name, dictionary.checksum), dictionary.coder
        elif first == plan.plain_start:
            start, crc, coder = _PLAIN_START, crc32(name), plan.compressor
        else:
            return None
        end = len(blob) - CHECKSUM_BYTES
        body = blob[start:end]
        if crc32(blob[:start], crc32(body, crc)) != _unpack_checksum(blob, end)[0]:
            raise UndecodableError(DAMAGED)
        serializer = plan.serializer
        try:
            value = serializer.unpack(coder.expand(body, length))
        except ValueError as error:
            raise UndecodableError(str(error)) from error
        except serializer.failures as error:
            raise UndecodableError(f"not a value of ours: {error}") from error
        return value, length, (high << 32 | low) + EPOCH_MS, fresh if fresh != NEVER else None, version

    def _decode(self, plan: Plan, name: bytes, blob: bytes, lenient: bool) -> Decoded:
        """The same for every blob, one step after the other."""
        header, dictionary, body = self._opened(plan, name, blob)
        serializer = _reader(plan, header)
        raw = expanded(body, header, dictionary)
        try:
            return Decoded(serializer.loads(raw, lenient=lenient), header.meta)
        except ValueError as error:
            raise UndecodableError(str(error)) from error

    def raw(self, name: bytes, blob: bytes) -> bytes:
        """The serialised bytes of a blob that lies under `name`. UndecodableError as of `decode`."""
        header, dictionary, body = self._opened(self._plan_of(name), name, blob)
        return expanded(body, header, dictionary)

    def renewed(self, name: bytes, blob: bytes, meta: Meta) -> bytes:
        """The same value under another header, whether its class is registered here or not. UndecodableError as of
        `decode`."""
        plan = self._plan_of(name)
        header, dictionary, body = self._opened(plan, name, blob)
        if header.format == 1:
            return self.encode(name, self.decode(name, blob).value, meta, namespace=plan.namespace)
        self._keep_alive(plan, dictionary, meta.fresh_ms)
        seal = header.flags & (ENCRYPTED | SIGNED)
        return self._endings.ended(name, header.codec, meta, header.length, body, dictionary=dictionary, seal=seal)

    def describe(self, name: bytes, blob: bytes) -> BlobFacts:
        """How a blob was made, without decoding its value. UndecodableError for what is no blob of ours."""
        header = read_header(blob)
        return BlobFacts(
            serializer=SERIALIZER_NAMES.get(header.codec >> 4, f"unknown ({header.codec >> 4})"),
            compressor=COMPRESSOR_NAMES.get(header.codec & 15, f"unknown ({header.codec & 15})"),
            dictionary=f"{header.dictionary:04x}" if header.flags & DICTIONARY else None,
            key_id=header.key_id.hex() or None,
            is_encrypted=bool(header.flags & ENCRYPTED),
            decoded_bytes=header.length,
            ratio=len(blob) / max(1, header.length),
            meta=header.meta,
        )

    @staticmethod
    def peek(blob: bytes) -> Meta:
        """What the first bytes of a blob say of the value; see `peek` below."""
        return peek(blob)

    def _plan(self, namespace: str) -> Plan:
        known = self._plans.get(namespace)
        if known is not None:
            return known
        prefix = self._layout.namespace(namespace) if namespace else b""
        plan = Plan(self._config, namespace, self._own.get(namespace), prefix)
        if plan.wants_dictionaries and self._store is not None and namespace:
            plan.tracked = self.dictionaries.tracked(namespace)
        if len(self._plans) < _MOST_PLANS:
            self._plans[namespace] = plan
            self._by_prefix[prefix] = plan
        return plan

    def _plan_of(self, name: bytes) -> Plan:
        """The plan of the namespace that a server's name lies in."""
        prefix = name[: name.find(b":", self._root_bytes) + 1]
        known = self._by_prefix.get(prefix)
        if known is not None:
            return known
        parts = self._layout.split(prefix + b"k")
        return self._plan("" if parts is None else parts[0])

    def _dictionary(self, plan: Plan, header: Header) -> Dictionary:
        if COMPRESSOR_NAMES.get(header.codec & 15) != "zstd":
            raise UndecodableError("only zstd has dictionaries")
        return self._known(plan, header.dictionary)

    def _known(self, plan: Plan, number: int) -> Dictionary:
        found = self.dictionaries.known(plan.namespace, number)
        if found is None:
            raise UnknownDictionaryError(number, plan.namespace)
        return found

    def _opened(self, plan: Plan, name: bytes, blob: bytes) -> tuple[Header, Dictionary | None, bytes]:
        """The header, the dictionary and the still compressed bytes of a blob, once its ending vouches for them."""
        header = read_header(blob)
        dictionary = self._dictionary(plan, header) if header.flags & DICTIONARY else None
        body = self._endings.opened(name, blob, header, dictionary, must_be_sealed=bool(plan.seal))
        return header, dictionary, body

    def _keep_alive(self, plan: Plan, dictionary: Dictionary | None, fresh_ms: int | None) -> None:
        """The dictionary lives as long as the value may lie on the server, its reserve included."""
        if dictionary is not None and plan.tracked is not None:
            plan.tracked.lives(_FOREVER_MS if fresh_ms is None else fresh_ms + plan.reserve_ms)

    def _pack_dictionary(self, name: bytes, value: Any, namespace: str) -> bytes:
        """A dictionary's blob: sealed as its namespace's values are, for it holds parts of them; never compressed."""
        raw = serializer_named("msgpack").dumps(value)
        codec, meta = SERIALIZERS["msgpack"] << 4, Meta(value["created_ms"], None)
        seal = self._plan(namespace).seal & ENCRYPTED
        return self._endings.ended(name, codec, meta, len(raw), raw, dictionary=None, seal=seal)

    def _unpack_dictionary(self, name: bytes, blob: bytes) -> Any:
        return self.decode(name, blob).value


def peek(blob: bytes) -> Meta:
    """What the first bytes of a blob (64 will do; tags that are cut off are left out) say of the value.

    UndecodableError for what is no blob of ours. Nothing but the header is looked at: it may be damaged or forged.
    """
    return read_header(blob, is_head=True).meta


def _reader(plan: Plan, header: Header) -> Serializer:
    """What reads a body: the namespace's own serializer, or another one that is safe with any bytes."""
    number = header.codec >> 4
    name = SERIALIZER_NAMES.get(number)
    if name is None:
        raise UndecodableError(f"serializer {number} is unknown")
    is_own = number == plan.codec_none >> 4
    if name in NEEDS_SEAL and not (is_own and header.flags & (ENCRYPTED | SIGNED)):
        raise UndecodableError(f"{name} that no key vouches for, or that is not configured here, is never read")
    return plan.serializer if is_own else serializer_named(name)
