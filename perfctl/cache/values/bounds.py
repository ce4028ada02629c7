"""How far the bytes of a blob may expand: what a bomb does is never written, and never read."""

from __future__ import annotations

from perfctl.cache.values.serializers import SERIALIZERS

MAX_VALUE_BYTES = 64 * 1024 * 1024
"""No value is longer than this once expanded, whatever its header says."""
MAX_RATIO = 1000
"""Above 1 MiB, no value expands by more than this."""

_UNWATCHED_BYTES = 1024 * 1024
_SUSPICIOUS_RATIO = 20
_MOST_CONTAINERS = 0.25
_CONTAINERS = {
    SERIALIZERS["msgpack"]: bytes(range(0x80, 0xA0)),
    SERIALIZERS["json"]: b"[{",
    SERIALIZERS["pickle"]: b"])}",
}
"""The bytes that begin a small container: one byte that may take 64 of memory."""


def may_expand(packed: int, length: int) -> bool:
    """Whether so many packed bytes may stand for `length` bytes."""
    return length <= MAX_VALUE_BYTES and length <= max(_UNWATCHED_BYTES, packed * MAX_RATIO)


def is_bomb(raw: bytes, packed: int, serializer: int) -> bool:
    """Whether a few bytes expanded to many, and these to many more containers: 64 MiB of `[]` would take 4 GiB.

    What is like this is never written compressed, so that all values of ours come back.
    """
    if len(raw) <= _UNWATCHED_BYTES or len(raw) < packed * _SUSPICIOUS_RATIO:
        return False
    containers = len(raw) - len(raw.translate(None, _CONTAINERS.get(serializer, b"")))
    return containers > len(raw) * _MOST_CONTAINERS
