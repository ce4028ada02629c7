"""What was made of content before, so that hot content is made once: least recently used goes first, by bytes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from perfctl.cdn.content.optimizing import Asked, ContentRules

Made = tuple[bytes, dict[str, str]]

MOST_BYTES = 32 * 1024 * 1024
_BESIDE_BYTES = 2048
"""What a result takes beside its body: its key and its headers."""


class Memo:
    """Safe for threads. A result larger than an eighth of the room is not kept."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._made: OrderedDict[bytes, Made] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: bytes) -> Made | None:
        """What was made; its headers are the caller's own to change."""
        with self._lock:
            found = self._made.get(key)
            if found is None:
                return None
            self._made.move_to_end(key)
            return found[0], dict(found[1])

    def put(self, key: bytes, made: Made) -> None:
        """Keep it, and let go of what was not asked for the longest."""
        with self._lock:
            if len(made[0]) > self._most_bytes // 8 or key in self._made:
                return
            self._made[key] = (made[0], dict(made[1]))
            self._size += len(made[0]) + _BESIDE_BYTES
            while self._size > self._most_bytes:
                self._size -= len(self._made.popitem(last=False)[1][0]) + _BESIDE_BYTES


def key_of(content: bytes, content_type: str, rules: ContentRules, asked: Asked) -> bytes:
    """A digest of all that decides the result: 128 bits of BLAKE2b."""
    digest = hashlib.blake2b(content, digest_size=16)
    digest.update(repr((content_type, rules, asked)).encode("utf-8", "surrogatepass"))
    return digest.digest()
