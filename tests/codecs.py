"""Every way in which a value can lie on the server, and how a test writes and reads it."""

from __future__ import annotations

from itertools import product
from typing import Any

from perfctl.cache.values.codec import Codec
from perfctl.cache.values.compressors import COMPRESSORS
from perfctl.cache.values.meta import Meta
from perfctl.cache.values.serializers import SERIALIZERS
from perfctl.config.settings import CacheConfig, NamespaceSettings

NAME = b"perfctl:api:k"
META = Meta(1_800_000_000_000, 3_600_000)
KEY = "a test's own key, of 32 bytes or so"
SEALS = ("plain", "sealed")
"""`sealed`: encrypted, or signed where the namespace is not."""

PICKLED = (f"{__name__}.Pickled",)


class Pickled:
    """A class that only pickle takes."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return type(other) is Pickled and self.x == other.x

    __hash__ = None  # type: ignore[assignment]


def all_codecs() -> list[Any]:
    """One codec for each serializer, compressor and seal, with its name."""
    found = []
    for serializer, compressor, seal in product(SERIALIZERS, COMPRESSORS, ("plain", "encrypted", "signed")):
        if (seal == "signed") == (serializer == "pickle") or seal == "encrypted":
            found.append((f"{serializer}-{compressor}-{seal}", codec_of(serializer, compressor, seal=seal)))
    return found


def codec_of(serializer: Any = "msgpack", compressor: Any = "zstd", *, seal: str = "plain", **more: Any) -> Codec:
    """A codec whose namespace `api` is written like this."""
    own = NamespaceSettings(
        name="api", serialization_method=serializer, compressor=compressor, encrypted=seal == "encrypted"
    )
    config = CacheConfig(
        namespaces=(own,),
        encryption_key=None if seal == "plain" else KEY,
        pickle_types=PICKLED,
        compression_enabled=more.pop("compression_enabled", True),
    )
    return Codec(config, **more)


PLAIN = codec_of()


def encoded(value: Any, codec: Codec = PLAIN, *, name: bytes = NAME, meta: Meta = META) -> bytes:
    """The blob of a value under `name`."""
    return codec.encode(name, value, meta, namespace="api")


def decoded(blob: bytes, codec: Codec = PLAIN, *, name: bytes = NAME) -> Any:
    """The value of a blob under `name`."""
    return codec.decode(name, blob).value


def shape(value: Any) -> Any:
    """The value with the type of every part, so that True is not 1 and a tuple is no list."""
    if type(value) is dict:
        return (dict, [(shape(key), shape(item)) for key, item in value.items()])
    if type(value) in (list, tuple):
        return (type(value), [shape(item) for item in value])
    if type(value) in (set, frozenset):
        return (type(value), {repr(shape(item)) for item in value})
    return (type(value), repr(value))
