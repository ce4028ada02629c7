"""How a blob ends: a checksum, a signature, or encryption; and what that vouches for.

plain       4 bytes: the CRC-32 of the dictionary's checksum where there is one, the key's name, the body, the header
signed      32 bytes: the HMAC-SHA256 of the key's name, the header, the dictionary's checksum, the body
encrypted   in place of the body: 12 bytes of nonce, and the body encrypted by AES-256-GCM with its tag of 16 bytes;
            the key's name, the header and the dictionary's checksum are authenticated with it

The header comes last in the checksum: the CRC of a whole blob is then as good a fingerprint of it as of any bytes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from zlib import crc32

from perfctl.cache.values.encryption import SIGNATURE_BYTES, Key, KeyRing, context_of
from perfctl.cache.values.header import ENCRYPTED, SIGNED, Header, UndecodableError, write_header
from perfctl.cache.values.meta import Meta
from perfctl.config.settings import CacheConfig

if TYPE_CHECKING:
    from perfctl.cache.values.dictionaries import Dictionary

CHECKSUM_BYTES = 4
DAMAGED = "its checksum is wrong: damaged, or written under another key"

_MOST_WARNINGS = 100
_LOG = logging.getLogger("perfctl.cache")


def checksum(name: bytes, header: bytes, body: bytes, dictionary: Dictionary | None = None) -> bytes:
    """The ending of a blob that no key vouches for."""
    seed = crc32(name) if dictionary is None else crc32(name, dictionary.checksum)
    return crc32(header, crc32(body, seed)).to_bytes(CHECKSUM_BYTES, "big")


class Endings:
    """Puts the ending on blobs, and opens them again; looks the keys up when the first one is needed."""

    def __init__(self, config: CacheConfig) -> None:
        self.ring = KeyRing(config)
        self._warned: set[bytes] = set()

    def ended(
        self, name: bytes, codec: int, meta: Meta, length: int, body: bytes, *, dictionary: Dictionary | None, seal: int
    ) -> bytes:
        """The whole blob of a body; `seal` is 0, ENCRYPTED or SIGNED."""
        number = None if dictionary is None else dictionary.number
        if not seal:
            header = write_header(codec, meta, length, dictionary=number)
            return header + body + checksum(name, header, body, dictionary)
        key = self.ring.current
        header = write_header(codec, meta, length, dictionary=number, flags=seal, key_id=key.id)
        context = context_of(name, _bound(header, dictionary))
        if seal & ENCRYPTED:
            return header + key.encrypt(body, context)
        return header + body + key.sign(body, context)

    def opened(
        self, name: bytes, blob: bytes, header: Header, dictionary: Dictionary | None, *, must_be_sealed: bool
    ) -> bytes:
        """The body of a blob. UndecodableError where its ending is not the one that its name, header and body have."""
        if header.flags & (ENCRYPTED | SIGNED):
            return self._unsealed(name, blob, header, dictionary)
        if must_be_sealed:
            raise UndecodableError("it is not encrypted, and values of this namespace are")
        if header.format == 1:
            return blob[header.start :]
        body = blob[header.start : -CHECKSUM_BYTES]
        if len(blob) < header.start + CHECKSUM_BYTES:
            raise UndecodableError("the value is cut off")
        if checksum(name, blob[: header.start], body, dictionary) != blob[-CHECKSUM_BYTES:]:
            raise UndecodableError(DAMAGED)
        return body

    def _unsealed(self, name: bytes, blob: bytes, header: Header, dictionary: Dictionary | None) -> bytes:
        key = self._key(header.key_id)
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

    def _key(self, key_id: bytes) -> Key:
        key = self.ring.named(key_id)
        if key is not None:
            return key
        if key_id not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(key_id)
            _LOG.warning(
                "values are encrypted with a key (%s) that is not configured: each is a miss; set "
                "cache.previous_encryption_key where the key was changed",
                key_id.hex(),
            )
        raise UndecodableError(f"its key {key_id.hex()} is not configured")


def _bound(header: bytes, dictionary: Dictionary | None) -> bytes:
    return header if dictionary is None else header + dictionary.checksum.to_bytes(4, "big")
