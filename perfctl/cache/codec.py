"""A value as it lies on the server: a header (`perfctl.cache.header`), the serialised bytes, and what seals them.

After the header stand the serialised and perhaps compressed bytes, then one of three endings:

plain       CRC-32 of the checksum of the dictionary where there is one, the key's name, the header and those bytes
signed      HMAC-SHA256 of the same
encrypted   (flag 2) in their place 12 bytes of nonce, and the bytes encrypted by AES-256-GCM with its tag of 16 bytes

So a blob with a flipped byte, and one that lies under another key than its own, is no value. Blobs of version 1 have
no ending and are still read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from perfctl.cache.bounds import MAX_VALUE_BYTES, is_bomb, may_expand
from perfctl.cache.compressors import COMPRESSOR_NAMES, compressor_named
from perfctl.cache.encryption import SIGNATURE_BYTES, Key, KeyRing, context_of
from perfctl.cache.header import (
    DICTIONARY,
    ENCRYPTED,
    EPOCH_MS,
    FORMAT,
    HEAD,
    NEVER,
    SECONDS,
    SIGNED,
    Header,
    UndecodableError,
    read_header,
    refuse_meta,
    write_header,
)
from perfctl.cache.keys import KeyLayout
from perfctl.cache.meta import Meta
from perfctl.cache.plans import Plain, Plan, check
from perfctl.cache.serializers import NEEDS_SEAL, SERIALIZER_NAMES, SERIALIZERS, Serializer, serializer_named
from perfctl.config.settings import CacheConfig, NamespaceSettings
from perfctl.errors import UsageError
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from perfctl.cache.dictionaries import Dictionaries, Dictionary
    from perfctl.cache.store import Store

__all__ = ["MAX_VALUE_BYTES", "BlobFacts", "Codec", "Decoded", "UndecodableError", "UnknownDictionaryError", "peek"]

_LEAST_WORTHWHILE_BYTES = 128
"""Below this nothing is gained without a dictionary (measured: 0.3 KiB of JSON gains a quarter)."""
_LEAST_WITH_DICTIONARY_BYTES = 32
_LARGEST_WITH_DICTIONARY_BYTES = 32 * 1024
"""Above, a dictionary saves less than a point."""
_MOST_LEFT = 0.9
"""Compressed only where this share or less is left."""
_CHECKSUM_BYTES = 4
_MOST_PLANS = 4096
_UNCOMMON = 0xFF ^ DICTIONARY ^ SECONDS
"""The flags that a value has none of where nothing but a dictionary and a life in seconds is told."""
_LOG = logging.getLogger("perfctl.cache")
_new = tuple.__new__
_unpack_head = HEAD.unpack_from
_number_of = int.from_bytes
_LEAST_BYTES = HEAD.size + 2 + _CHECKSUM_BYTES
_DAMAGED = "its checksum is wrong: damaged, or written under another key"


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
        self._ring = KeyRing(config)
        self._own: Mapping[str, NamespaceSettings] = {settings.name: settings for settings in config.namespaces}
        self._plans: dict[str, Plan] = {}
        self._by_prefix: dict[bytes, Plan] = {}
        self._dictionaries: Dictionaries | None = None
        self._warned: set[bytes] = set()
        for own in (None, *config.namespaces):
            check(config, own)

    @property
    def serializer(self) -> Serializer:
        """The one of namespaces without settings of their own."""
        return self._plan("").serializer

    def serializer_of(self, namespace: str) -> Serializer:
        """How the values of a namespace become bytes: what `weigh` asks."""
        return self._plan(namespace).serializer

    def plain(self, namespace: str) -> Plain:
        """How small values of a namespace are kept; what `express` writes by itself."""
        plan = self._plan(namespace)
        if plan.seal or plan.codec_none != SERIALIZERS["msgpack"] << 4:
            return Plain(plan.codec_none, 0)
        has_dictionary = plan.tracked is not None and plan.tracked.active is not None
        return Plain(plan.codec_none, _LEAST_WITH_DICTIONARY_BYTES if has_dictionary else _LEAST_WORTHWHILE_BYTES)

    @property
    def dictionaries(self) -> Dictionaries:
        """The zstd dictionaries of this process."""
        if self._dictionaries is None:
            from perfctl.cache.dictionaries import Dictionaries

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
        return self._ring.is_resolved

    async def prepare(self) -> None:
        """Look up the keys, where any are configured; what is not prepared looks them up when it first needs them,
        which may block. ConfigError where a reference leads nowhere; what AWS raises."""
        if not self._ring.is_resolved:
            await self._ring.resolve()

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
        if tracked is not None and _LEAST_WITH_DICTIONARY_BYTES <= length <= _LARGEST_WITH_DICTIONARY_BYTES:
            active = tracked.active
            if active is not None:
                packed = active.coder.compress(raw)
            else:
                packed = raw if length < _LEAST_WORTHWHILE_BYTES else plan.compressor.compress(raw)
            tracked.writes += 1
            if tracked.writes >= tracked.look_at:
                tracked.look(raw, min(length, len(packed)), plan.compressor)
            if len(packed) <= length * _MOST_LEFT:
                codec, dictionary, body = plan.codec_packed, active, packed
        elif length >= _LEAST_WORTHWHILE_BYTES:
            codec, body = _packed(plan, raw)
        if dictionary is None and not plan.seal:
            if meta[3] or meta[5] is not None:
                refuse_meta(meta)
            content = write_header(codec, meta, length) + body
            return content + crc32(content, crc32(name)).to_bytes(_CHECKSUM_BYTES, "big")
        return self._with_dictionary(plan, name, codec, meta, length, body, dictionary)

    def _with_dictionary(
        self, plan: Plan, name: bytes, codec: int, meta: Meta, length: int, body: bytes, dictionary: Dictionary | None
    ) -> bytes:
        """The blob of a value that has a dictionary or a seal."""
        if meta[3] or meta[5] is not None:
            refuse_meta(meta)
        number = None
        if dictionary is not None and plan.tracked is not None:
            number = dictionary.number
            life_ms = float("inf") if meta[1] is None else meta[1] + plan.reserve_ms
            if life_ms > plan.tracked.longest_ms:
                plan.tracked.lives(life_ms)
        if plan.seal:
            key = self._ring.current
            header = write_header(codec, meta, length, dictionary=number, flags=plan.seal, key_id=key.id)
            return _sealed(key, name, header, body, dictionary, plan.seal)
        content = write_header(codec, meta, length, dictionary=number) + body
        seed = crc32(name) if dictionary is None else crc32(name, dictionary.checksum)
        return content + crc32(content, seed).to_bytes(_CHECKSUM_BYTES, "big")

    def decode(self, name: bytes, blob: bytes, *, lenient: bool = False) -> Decoded:
        """The value that lies under `name`. UndecodableError for anything that `encode` did not write there; memory
        and depth are bounded. `lenient` gives a readable mapping where a value's class is not registered here."""
        plan = self._by_prefix.get(name[: name.find(b":", self._root_bytes) + 1])
        if plan is None or lenient or len(blob) < _LEAST_BYTES:
            return self._decode(plan or self._plan_of(name), name, blob, lenient)
        found, codec, flags, version, high, low, fresh, length = _unpack_head(blob)
        if found != FORMAT or flags & _UNCOMMON or plan.seal or codec != plan.codec_packed or plan.compressor is None:
            return self._decode(plan, name, blob, lenient)
        start, seed, coder = HEAD.size, 0, plan.compressor
        if flags & DICTIONARY:
            number = blob[start] << 8 | blob[start + 1]
            tracked = plan.tracked
            dictionary = None if tracked is None else tracked.active
            if dictionary is None or dictionary.number != number:
                dictionary = self._known(plan, number)
            start, seed, coder = start + 2, dictionary.checksum, dictionary.coder
        end = len(blob) - _CHECKSUM_BYTES
        if crc32(blob[:end], crc32(name, seed)) != _number_of(blob[end:], "big"):
            raise UndecodableError(_DAMAGED)
        try:
            value = plan.serializer.unpack(coder.expand(blob[start:end], length))
        except ValueError as error:
            raise UndecodableError(str(error)) from error
        except plan.serializer.failures as error:
            raise UndecodableError(f"not a value of ours: {error}") from error
        fresh_ms = None if fresh == NEVER else fresh * 1000 if flags & SECONDS else fresh
        return _new(Decoded, (value, _new(Meta, ((high << 32 | low) + EPOCH_MS, fresh_ms, version, (), False, None))))

    def _decode(self, plan: Plan, name: bytes, blob: bytes, lenient: bool) -> Decoded:
        """The same for every blob, one step after the other."""
        header = read_header(blob)
        dictionary = self._dictionary(plan, header) if header.flags & DICTIONARY else None
        if header.flags & (ENCRYPTED | SIGNED):
            body = self._opened(name, blob, header, dictionary)
        else:
            body = _plain_body(name, blob, header, dictionary, plan)
        serializer = self._reader(plan, header)
        raw = _expanded(body, header, dictionary)
        try:
            return Decoded(serializer.loads(raw, lenient=lenient), header.meta)
        except ValueError as error:
            raise UndecodableError(str(error)) from error

    def raw(self, name: bytes, blob: bytes) -> bytes:
        """The serialised bytes of a blob that lies under `name`. UndecodableError as of `decode`."""
        header, dictionary, body = self._unsealed(name, blob)
        return _expanded(body, header, dictionary)

    def renewed(self, name: bytes, blob: bytes, meta: Meta) -> bytes:
        """The same value under another header, whether its class is registered here or not. UndecodableError as of
        `decode`."""
        header, dictionary, body = self._unsealed(name, blob)
        if header.format == 1:
            plan = self._plan_of(name)
            return self.encode(name, self.decode(name, blob).value, meta, namespace=plan.namespace)
        number, seal = None if dictionary is None else dictionary.number, header.flags & (ENCRYPTED | SIGNED)
        if seal:
            key = self._ring.current
            front = write_header(header.codec, meta, header.length, dictionary=number, flags=seal, key_id=key.id)
            return _sealed(key, name, front, body, dictionary, seal)
        content = write_header(header.codec, meta, header.length, dictionary=number) + body
        seed = crc32(name) if dictionary is None else crc32(name, dictionary.checksum)
        return content + crc32(content, seed).to_bytes(_CHECKSUM_BYTES, "big")

    def _unsealed(self, name: bytes, blob: bytes) -> tuple[Header, Dictionary | None, bytes]:
        """The header, the dictionary and the still compressed bytes of a blob; checked."""
        header, plan = read_header(blob), self._plan_of(name)
        dictionary = self._dictionary(plan, header) if header.flags & DICTIONARY else None
        if header.flags & (ENCRYPTED | SIGNED):
            return header, dictionary, self._opened(name, blob, header, dictionary)
        return header, dictionary, _plain_body(name, blob, header, dictionary, plan)

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
        plan = Plan(self._config, namespace, self._own.get(namespace))
        if plan.wants_dictionaries and self._store is not None and namespace:
            plan.tracked = self.dictionaries.tracked(namespace)
        if len(self._plans) < _MOST_PLANS:
            self._plans[namespace] = plan
            if namespace:
                self._by_prefix[self._layout.namespace(namespace)] = plan
        return plan

    def _plan_of(self, name: bytes) -> Plan:
        """The plan of the namespace that a server's name lies in."""
        parts = self._layout.split(name[: name.find(b":", self._root_bytes) + 1] + b"k")
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

    def _opened(self, name: bytes, blob: bytes, header: Header, dictionary: Dictionary | None) -> bytes:
        key = self._ring.named(header.key_id)
        if key is None:
            self._warn_once(header.key_id)
            raise UndecodableError(f"its key {header.key_id.hex()} is not configured")
        context = context_of(name, _bound(blob[: header.start], dictionary))
        if header.flags & ENCRYPTED:
            try:
                return key.decrypt(blob[header.start :], context)
            except ValueError as error:
                raise UndecodableError(str(error)) from error
        end = len(blob) - SIGNATURE_BYTES
        body = blob[header.start : end]
        if end < header.start or not key.is_signature(blob[end:], body, context):
            raise UndecodableError("its signature is wrong: damaged, forged, or written under another key")
        return body

    def _reader(self, plan: Plan, header: Header) -> Serializer:
        if header.codec >> 4 == plan.codec_none >> 4:
            name = SERIALIZER_NAMES[header.codec >> 4]
        else:
            name = SERIALIZER_NAMES.get(header.codec >> 4, "")
            if not name:
                raise UndecodableError(f"serializer {header.codec >> 4} is unknown")
            if name in NEEDS_SEAL:
                raise UndecodableError(f"{name} is not what this namespace is configured for")
        if name in NEEDS_SEAL and not header.flags & (ENCRYPTED | SIGNED):
            raise UndecodableError(f"{name} that no key vouches for is never read")
        return plan.serializer if header.codec >> 4 == plan.codec_none >> 4 else serializer_named(name)

    def _warn_once(self, key_id: bytes) -> None:
        if key_id not in self._warned and len(self._warned) < 100:
            self._warned.add(key_id)
            _LOG.warning(
                "values are encrypted with a key (%s) that is not configured: each is a miss; set "
                "cache.previous_encryption_key where the key was changed",
                key_id.hex(),
            )

    def _pack_dictionary(self, name: bytes, value: Any, namespace: str) -> bytes:
        """A dictionary's blob: sealed as its namespace's values are, for it holds parts of them; never compressed."""
        raw = serializer_named("msgpack").dumps(value)
        seal = self._plan(namespace).seal & ENCRYPTED
        codec = SERIALIZERS["msgpack"] << 4
        meta = Meta(value["created_ms"], None)
        if seal:
            key = self._ring.current
            return _sealed(key, name, write_header(codec, meta, len(raw), flags=seal, key_id=key.id), raw, None, seal)
        content = write_header(codec, meta, len(raw)) + raw
        return content + crc32(content, crc32(name)).to_bytes(_CHECKSUM_BYTES, "big")

    def _unpack_dictionary(self, name: bytes, blob: bytes) -> Any:
        return self.decode(name, blob).value


def peek(blob: bytes) -> Meta:
    """What the first bytes of a blob (64 will do; tags that are cut off are left out) say of the value.

    UndecodableError for what is no blob of ours. Nothing but the header is looked at: it may be damaged or forged.
    """
    return read_header(blob, is_head=True).meta


def _sealed(key: Key, name: bytes, header: bytes, body: bytes, dictionary: Dictionary | None, seal: int) -> bytes:
    context = context_of(name, _bound(header, dictionary))
    if seal & ENCRYPTED:
        return header + key.encrypt(body, context)
    return header + body + key.sign(body, context)


def _bound(header: bytes, dictionary: Dictionary | None) -> bytes:
    return header if dictionary is None else header + dictionary.checksum.to_bytes(4, "big")


def _plain_body(name: bytes, blob: bytes, header: Header, dictionary: Dictionary | None, plan: Plan) -> bytes:
    """The body of a blob that no key vouches for: refused where the configuration says that one must."""
    if plan.seal:
        raise UndecodableError("it is not encrypted, and values of this namespace are")
    if header.format == 1:
        return blob[header.start :]
    end = len(blob) - _CHECKSUM_BYTES
    if end < header.start:
        raise UndecodableError("the value is cut off")
    seed = crc32(name) if dictionary is None else crc32(name, dictionary.checksum)
    if crc32(memoryview(blob)[:end], seed) != int.from_bytes(blob[end:], "big"):
        raise UndecodableError(_DAMAGED)
    return blob[header.start : end]


def _packed(plan: Plan, raw: bytes) -> tuple[int, bytes]:
    """The header's codec byte and the body of a value without a dictionary. UsageError when it is too big."""
    length = len(raw)
    if length > MAX_VALUE_BYTES:
        raise UsageError(
            f"cannot cache a value of {format_bytes(length)}: the limit is {format_bytes(MAX_VALUE_BYTES)}",
            hint="cache its parts under keys of their own",
        )
    if plan.compressor is None:
        return plan.codec_none, raw
    packed = plan.compressor.compress(raw)
    if len(packed) > length * _MOST_LEFT or not may_expand(len(packed), length):
        return plan.codec_none, raw
    if is_bomb(raw, len(packed), plan.codec_none >> 4):
        return plan.codec_none, raw
    return plan.codec_packed, packed


def _expanded(body: bytes, header: Header, dictionary: Dictionary | None) -> bytes:
    """The serialised bytes. UndecodableError for what is damaged or made to fill the memory."""
    length = header.length
    if not may_expand(len(body), length):
        raise UndecodableError(f"announces {length} bytes, which no value of ours has")
    name = COMPRESSOR_NAMES.get(header.codec & 15)
    if name is None:
        raise UndecodableError(f"compressor {header.codec & 15} is unknown")
    if name == "none" and len(body) != length:
        raise UndecodableError(f"{len(body)} bytes where {length} were announced")
    compressor: Any = dictionary.coder if dictionary is not None else compressor_named(name)
    try:
        if header.format == 1 and name == "zstd":
            raw: bytes = compressor.expand_framed(body, length)
        else:
            raw = compressor.expand(body, length)
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    if is_bomb(raw, len(body), header.codec >> 4):
        raise UndecodableError("expands to containers without end")
    return raw
