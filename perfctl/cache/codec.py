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

from perfctl.cache.compressors import COMPRESSOR_NAMES, COMPRESSORS, NONE, compressor_named
from perfctl.cache.encryption import SIGNATURE_BYTES, Key, KeyRing, context_of
from perfctl.cache.header import (
    DICTIONARY,
    ENCRYPTED,
    SIGNED,
    Header,
    UndecodableError,
    read_header,
    refuse_meta,
    write_header,
)
from perfctl.cache.keys import KeyLayout
from perfctl.cache.meta import Meta
from perfctl.cache.serializers import NEEDS_SEAL, SERIALIZER_NAMES, SERIALIZERS, Serializer, serializer_named
from perfctl.config.settings import CacheConfig, NamespaceSettings
from perfctl.errors import ConfigError, UsageError
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from perfctl.cache.dictionaries import Dictionaries, Dictionary
    from perfctl.cache.sampling import Tracked
    from perfctl.cache.store import Store

__all__ = ["BlobFacts", "Codec", "Decoded", "UndecodableError", "UnknownDictionaryError", "peek"]

MAX_VALUE_BYTES = 64 * 1024 * 1024
"""No value is longer than this once expanded, whatever its header says."""
MAX_RATIO = 1000
"""Above 1 MiB, no value expands by more than this: what does is a bomb."""

_LEAST_WORTHWHILE_BYTES = 128
"""Below this nothing is gained without a dictionary (measured: 0.3 KiB of JSON gains a quarter)."""
_LEAST_WITH_DICTIONARY_BYTES = 32
_LARGEST_WITH_DICTIONARY_BYTES = 32 * 1024
_LEAST_GAIN = 0.1
_UNWATCHED_BYTES = 1024 * 1024
_SUSPICIOUS_RATIO = 20
_CONTAINERS = {
    SERIALIZERS["msgpack"]: bytes(range(0x80, 0xA0)),
    SERIALIZERS["json"]: b"[{",
    SERIALIZERS["pickle"]: b"])}",
}
"""The bytes that begin a small container: one byte that may take 64 of memory."""
_MOST_CONTAINERS = 0.25
_CHECKSUM_BYTES = 4
_DICTIONARY_META = Meta(0, None)
_LOG = logging.getLogger("perfctl.cache")


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


class _Plan:
    """How a namespace's values are written."""

    __slots__ = ("compressor", "compressor_id", "namespace", "seal", "serializer", "serializer_id", "tracked")

    def __init__(self, namespace: str, serializer: str, serializes: Serializer, compressor: str, seal: int) -> None:
        self.namespace = namespace
        self.serializer = serializes
        self.serializer_id = SERIALIZERS[serializer] << 4
        self.compressor: Any = None if compressor == "none" else compressor_named(compressor)
        self.compressor_id = COMPRESSORS[compressor]
        self.seal = seal
        self.tracked: Tracked | None = None


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
        self._store = store
        self._now = now
        self._ring = KeyRing(config)
        self._own: Mapping[str, NamespaceSettings] = {settings.name: settings for settings in config.namespaces}
        self._plans: dict[str, _Plan] = {}
        self._by_prefix: dict[bytes, _Plan] = {}
        self._dictionaries: Dictionaries | None = None
        self._warned: set[bytes] = set()
        for namespace in (*self._own, None):
            _check(config, self._own.get(namespace or ""))

    @property
    def serializer(self) -> Serializer:
        """The one of namespaces without settings of their own."""
        return self._plan("").serializer

    def serializer_of(self, namespace: str) -> Serializer:
        """How the values of a namespace become bytes: what `weigh` asks."""
        return self._plan(namespace).serializer

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
            raw = plan.serializer.dumps(value)
        except ValueError as error:
            hint = "text must be valid Unicode" if isinstance(error, UnicodeError) else plan.serializer.hint
            raise UsageError(f"cannot cache a value: {error}", hint=hint) from error
        length = len(raw)
        if length > MAX_VALUE_BYTES:
            raise UsageError(
                f"cannot cache a value of {format_bytes(length)}: the limit is {format_bytes(MAX_VALUE_BYTES)}",
                hint="cache its parts under keys of their own",
            )
        if meta.tags or meta.etag is not None:
            refuse_meta(meta)
        compressor, dictionary, body = self._compressed(plan, raw, meta)
        number = None if dictionary is None else dictionary.number
        codec = plan.serializer_id | compressor
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
        header = read_header(blob)
        plan = self._plan_of(name)
        dictionary = self._dictionary(plan, header) if header.flags & DICTIONARY else None
        if header.flags & (ENCRYPTED | SIGNED):
            body = self._opened(name, blob, header, dictionary)
        else:
            body = _plain_body(name, blob, header, dictionary, plan)
        serializer = self._reader(plan, header)
        if header.codec & 15:
            body = _expanded(body, header, dictionary)
        elif len(body) != header.length:
            raise UndecodableError(f"{len(body)} bytes where {header.length} were announced")
        try:
            return Decoded(serializer.loads(body, lenient=lenient), header.meta)
        except ValueError as error:
            raise UndecodableError(str(error)) from error

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

    def _plan(self, namespace: str) -> _Plan:
        known = self._plans.get(namespace)
        if known is not None:
            return known
        config, own = self._config, self._own.get(namespace)
        serializer = (own and own.serialization_method) or config.serialization_method
        compressor = (own and own.compressor) or config.compressor
        if not config.compression_enabled:
            compressor = "none"
        plan = _Plan(namespace, serializer, self._serializer(serializer), compressor, _seal_of(config, own))
        wants = config.dictionaries if own is None or own.dictionaries is None else own.dictionaries
        if wants and compressor == "zstd" and self._store is not None and namespace:
            plan.tracked = self.dictionaries.tracked(namespace)
        if len(self._plans) < _MOST_PLANS:
            self._plans[namespace] = plan
            if namespace:
                self._by_prefix[self._layout.namespace(namespace)] = plan
        return plan

    def _plan_of(self, name: bytes) -> _Plan:
        """The plan of the namespace that a server's name lies in."""
        end = name.find(b":", len(self._layout.root)) + 1
        known = self._by_prefix.get(name[:end])
        if known is not None:
            return known
        parts = self._layout.split(name[:end] + b"k")
        return self._plan("" if parts is None else parts[0])

    def _serializer(self, name: str) -> Serializer:
        if name != "pickle":
            return serializer_named(name)
        from perfctl.cache.serializers.pickle import Pickle

        return Pickle(self._config.pickle_types)

    def _compressed(self, plan: _Plan, raw: bytes, meta: Meta) -> tuple[int, Dictionary | None, bytes]:
        length = len(raw)
        tracked = plan.tracked
        if tracked is not None and _LEAST_WITH_DICTIONARY_BYTES <= length <= _LARGEST_WITH_DICTIONARY_BYTES:
            dictionary = tracked.active
            if dictionary is None:
                packed = raw if length < _LEAST_WORTHWHILE_BYTES else plan.compressor.compress(raw)
            else:
                packed = plan.compressor.compress(raw, dictionary.prepared)
            tracked.note(raw, min(length, len(packed)), plan.compressor)
            if len(packed) > length * (1 - _LEAST_GAIN):
                return NONE, None, raw
            if dictionary is not None:
                self._keep_alive(tracked, plan, meta)
            return plan.compressor_id, dictionary, packed
        if plan.compressor is None or length < _LEAST_WORTHWHILE_BYTES:
            return NONE, None, raw
        packed = plan.compressor.compress(raw)
        if len(packed) > length * (1 - _LEAST_GAIN) or not _may_expand(len(packed), length):
            return NONE, None, raw
        if _is_bomb(raw, len(packed), plan.serializer_id >> 4):
            return NONE, None, raw
        return plan.compressor_id, None, packed

    def _keep_alive(self, tracked: Tracked, plan: _Plan, meta: Meta) -> None:
        """The dictionary lives as long as the value may lie on the server, its reserve included."""
        fresh_ms = meta.fresh_ms
        if fresh_ms is None:
            tracked.lives(float("inf"))
        elif fresh_ms + self._config.fail_safe_seconds * 1000 > tracked.longest_ms:
            own = self._own.get(plan.namespace)
            reserve = self._config.fail_safe_seconds if own is None else own.fail_safe_seconds
            tracked.lives(fresh_ms + (self._config.fail_safe_seconds if reserve is None else reserve) * 1000)

    def _dictionary(self, plan: _Plan, header: Header) -> Dictionary:
        if COMPRESSOR_NAMES.get(header.codec & 15) != "zstd":
            raise UndecodableError("only zstd has dictionaries")
        found = self.dictionaries.known(plan.namespace, header.dictionary)
        if found is None:
            raise UnknownDictionaryError(header.dictionary, plan.namespace)
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

    def _reader(self, plan: _Plan, header: Header) -> Serializer:
        if header.codec >> 4 == plan.serializer_id >> 4:
            name = SERIALIZER_NAMES[header.codec >> 4]
        else:
            name = SERIALIZER_NAMES.get(header.codec >> 4, "")
            if not name:
                raise UndecodableError(f"serializer {header.codec >> 4} is unknown")
            if name in NEEDS_SEAL:
                raise UndecodableError(f"{name} is not what this namespace is configured for")
        if name in NEEDS_SEAL and not header.flags & (ENCRYPTED | SIGNED):
            raise UndecodableError(f"{name} that no key vouches for is never read")
        return plan.serializer if header.codec >> 4 == plan.serializer_id >> 4 else serializer_named(name)

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
        meta = _DICTIONARY_META._replace(created_ms=value["created_ms"])
        if seal:
            key = self._ring.current
            return _sealed(key, name, write_header(codec, meta, len(raw), flags=seal, key_id=key.id), raw, None, seal)
        content = write_header(codec, meta, len(raw)) + raw
        return content + crc32(content, crc32(name)).to_bytes(_CHECKSUM_BYTES, "big")

    def _unpack_dictionary(self, name: bytes, blob: bytes) -> Any:
        return self.decode(name, blob).value


_MOST_PLANS = 4096


def peek(blob: bytes) -> Meta:
    """What the first bytes of a blob (64 will do; tags that are cut off are left out) say of the value.

    UndecodableError for what is no blob of ours. Nothing but the header is looked at: it may be damaged or forged.
    """
    return read_header(blob, is_head=True).meta


def _check(config: CacheConfig, own: NamespaceSettings | None) -> None:
    """ConfigError for what is not safe."""
    where = f"cache.namespaces[{own.name}]" if own else "cache"
    serializer = (own and own.serialization_method) or config.serialization_method
    if serializer not in SERIALIZERS:
        raise ConfigError(
            f"{where}.serialization_method: {serializer!r} is not offered", hint=f"one of {', '.join(SERIALIZERS)}"
        )
    compressor = (own and own.compressor) or config.compressor
    if compressor not in COMPRESSORS:
        raise ConfigError(f"{where}.compressor: {compressor!r} is not offered", hint=f"one of {', '.join(COMPRESSORS)}")
    if config.encryption_key is not None:
        return
    if serializer in NEEDS_SEAL:
        raise ConfigError(
            f"{where}.serialization_method: {serializer} needs cache.encryption_key: whoever can write to the server "
            "could otherwise run code here",
            hint="set cache.encryption_key (`openssl rand -base64 32`), or use msgpack with perfctl.register_type",
        )
    if own is not None and own.encrypted:
        raise ConfigError(
            f"{where}.encrypted: there is no cache.encryption_key", hint="make one with `openssl rand -base64 32`"
        )


def _seal_of(config: CacheConfig, own: NamespaceSettings | None) -> int:
    """ENCRYPTED where there is a key, unless the namespace does without; SIGNED for a pickle that does."""
    if config.encryption_key is None:
        return 0
    if own is None or own.encrypted is None or own.encrypted:
        return ENCRYPTED
    return SIGNED if (own.serialization_method or config.serialization_method) in NEEDS_SEAL else 0


def _sealed(key: Key, name: bytes, header: bytes, body: bytes, dictionary: Dictionary | None, seal: int) -> bytes:
    context = context_of(name, _bound(header, dictionary))
    if seal & ENCRYPTED:
        return header + key.encrypt(body, context)
    return header + body + key.sign(body, context)


def _bound(header: bytes, dictionary: Dictionary | None) -> bytes:
    return header if dictionary is None else header + dictionary.checksum.to_bytes(4, "big")


def _plain_body(name: bytes, blob: bytes, header: Header, dictionary: Dictionary | None, plan: _Plan) -> bytes:
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
        raise UndecodableError("its checksum is wrong: damaged, or written under another key")
    return blob[header.start : end]


def _expanded(body: bytes, header: Header, dictionary: Dictionary | None) -> bytes:
    """The serialised bytes. UndecodableError for what is damaged or made to fill the memory."""
    length = header.length
    if length > MAX_VALUE_BYTES or not _may_expand(len(body), length):
        raise UndecodableError(f"announces {length} bytes, which no value of ours has")
    name = COMPRESSOR_NAMES.get(header.codec & 15)
    if name is None:
        raise UndecodableError(f"compressor {header.codec & 15} is unknown")
    compressor: Any = compressor_named(name)
    try:
        if header.format == 1 and name == "zstd":
            raw: bytes = compressor.expand_framed(body, length)
        elif dictionary is not None:
            raw = compressor.expand(body, length, dictionary.prepared)
        else:
            raw = compressor.expand(body, length)
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    if _is_bomb(raw, len(body), header.codec >> 4):
        raise UndecodableError("expands to containers without end")
    return raw


def _may_expand(packed: int, length: int) -> bool:
    return length <= max(_UNWATCHED_BYTES, packed * MAX_RATIO)


def _is_bomb(raw: bytes, packed: int, serializer: int) -> bool:
    """Whether a few bytes expanded to many, and these to many more containers: 64 MiB of `[]` would take 4 GiB.

    What is like this is never written compressed, so that all values of ours come back.
    """
    if len(raw) <= _UNWATCHED_BYTES or len(raw) < packed * _SUSPICIOUS_RATIO:
        return False
    containers = len(raw) - len(raw.translate(None, _CONTAINERS.get(serializer, b"")))
    return containers > len(raw) * _MOST_CONTAINERS
