"""How the values of one namespace are written: its settings, merged, checked and looked up once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from perfctl.cache.values.compressors import COMPRESSORS, compressor_named
from perfctl.cache.values.header import DICTIONARY, ENCRYPTED, FORMAT, SIGNED
from perfctl.cache.values.serializers import NEEDS_SEAL, SERIALIZERS, Serializer, serializer_named
from perfctl.config.settings import CacheConfig, NamespaceSettings
from perfctl.errors import ConfigError

if TYPE_CHECKING:
    from perfctl.cache.values.sampling import Tracked


class Plain(NamedTuple):
    """What values of a namespace have in common that are kept as they are serialised, for who packs many at once."""

    codec: int
    """The header's byte of serializer and compressor."""
    below: int
    """Fewer serialised bytes than this are never compressed; 0 where every value needs more than its bytes."""


class Plan:
    """How one namespace is written."""

    __slots__ = (
        "codec_none",
        "codec_packed",
        "compressor",
        "dumps",
        "namespace",
        "plain_start",
        "prefix",
        "reserve_ms",
        "seal",
        "serializer",
        "small_start",
        "tracked",
        "wants_dictionaries",
    )

    def __init__(self, config: CacheConfig, namespace: str, own: NamespaceSettings | None, prefix: bytes) -> None:
        serializer = _setting(config, own, "serialization_method")
        compressor = _setting(config, own, "compressor") if config.compression_enabled else "none"
        self.namespace = namespace
        self.prefix = prefix
        """What the server's names of the namespace start with."""
        self.serializer = _serializer(serializer, config)
        self.dumps = self.serializer.dumps
        self.codec_none = SERIALIZERS[serializer] << 4
        self.codec_packed = self.codec_none | COMPRESSORS[compressor]
        self.compressor: Any = None if compressor == "none" else compressor_named(compressor)
        self.seal = _seal(config, own, serializer)
        is_quick = not self.seal and self.compressor is not None
        self.plain_start = FORMAT << 16 | self.codec_packed << 8 if is_quick else -1
        """The first four bytes of a compressed value without tags and the like; -1 where every value has more."""
        self.small_start = self.plain_start | DICTIONARY if is_quick else -1
        """The same with a dictionary."""
        self.wants_dictionaries = compressor == "zstd" and bool(_setting(config, own, "dictionaries"))
        self.reserve_ms = _setting(config, own, "fail_safe_seconds") * 1000
        self.tracked: Tracked | None = None


def check(config: CacheConfig, own: NamespaceSettings | None) -> None:
    """ConfigError for settings that are not offered or not safe; of a namespace, or of all others."""
    where = f"cache.namespaces[{own.name}]" if own else "cache"
    serializer, compressor = _setting(config, own, "serialization_method"), _setting(config, own, "compressor")
    if serializer not in SERIALIZERS:
        raise _not_offered(f"{where}.serialization_method: {serializer!r}", tuple(SERIALIZERS))
    if compressor not in COMPRESSORS:
        raise _not_offered(f"{where}.compressor: {compressor!r}", tuple(COMPRESSORS))
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


def _setting(config: CacheConfig, own: NamespaceSettings | None, name: str) -> Any:
    value = None if own is None else getattr(own, name)
    return getattr(config, name) if value is None else value


def _serializer(name: str, config: CacheConfig) -> Serializer:
    if name != "pickle":
        return serializer_named(name)
    from perfctl.cache.values.serializers.pickle import Pickle

    made: Serializer = Pickle(config.pickle_types)
    return made


def _seal(config: CacheConfig, own: NamespaceSettings | None, serializer: str) -> int:
    """ENCRYPTED where there is a key, unless the namespace does without; SIGNED for a pickle that does."""
    if config.encryption_key is None:
        return 0
    if own is None or own.encrypted is None or own.encrypted:
        return ENCRYPTED
    return SIGNED if serializer in NEEDS_SEAL else 0


def _not_offered(what: str, offered: tuple[str, ...]) -> ConfigError:
    return ConfigError(f"{what} is not offered", hint=f"one of {', '.join(offered)}")
