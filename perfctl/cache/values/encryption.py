"""What vouches for a value at rest: AES-256-GCM, which also hides it, or HMAC-SHA256, which does not.

A configured key is text of at least 16 bytes (`openssl rand -base64 32` makes one); HKDF-SHA256 (RFC 5869) makes of
it a key to encrypt with, a key to sign with, and the 4 bytes that name it in headers. The algorithm follows from the
configuration alone, never from a blob. What is authenticated besides the value is the name of its key on the server
and the header: a blob that lies under another key is no value. Nonces are 96 random bits, so one key is good for
2**32 writes (NIST SP 800-38D, 8.3): make a new one before, and keep the old one as `previous_encryption_key`.
"""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING

from perfctl.credentials import Login, resolve, resolve_sync
from perfctl.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from perfctl.config.settings import CacheConfig

LEAST_KEY_BYTES = 16
NONCE_BYTES = 12
SEAL_BYTES = NONCE_BYTES + 16
"""What encryption adds to a value."""
SIGNATURE_BYTES = 32


class Key:
    """One configured key: encrypts, decrypts, signs and verifies."""

    def __init__(self, text: str) -> None:
        material = text.encode()
        if len(material) < LEAST_KEY_BYTES:
            raise ConfigError(
                f"cache.encryption_key has {len(material)} bytes, and needs {LEAST_KEY_BYTES} at least",
                hint="make one with `openssl rand -base64 32`, and refer to it as {env: NAME} or {file: PATH}",
            )
        self.id = _derived(material, b"perfctl cache key id", 4)
        self._signing = _derived(material, b"perfctl cache hmac-sha256", 32)
        self._encrypting = _derived(material, b"perfctl cache aes-256-gcm", 32)
        self._aead: AESGCM | None = None

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """A nonce, the encrypted bytes, a tag; only the same context decrypts them."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, plain, context)

    def decrypt(self, sealed: bytes, context: bytes) -> bytes:
        """The plain bytes. ValueError for any that this key did not encrypt in this context."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise ValueError("it was not encrypted with this key, under this name, or is damaged") from error

    def sign(self, content: bytes, context: bytes) -> bytes:
        """The signature of bytes in a context."""
        return hmac.digest(self._signing, context + content, "sha256")

    def is_signature(self, signature: bytes, content: bytes, context: bytes) -> bool:
        """Whether this key signed these bytes in this context; takes the same time either way."""
        return hmac.compare_digest(signature, self.sign(content, context))

    def _cipher(self) -> AESGCM:
        if self._aead is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._aead = AESGCM(self._encrypting)
        return self._aead


class KeyRing:
    """The configured keys: one writes, both read. Looked up at first use, through `perfctl.credentials`."""

    def __init__(self, config: CacheConfig) -> None:
        self._config = config
        self._login = Login(region=config.region, profile=config.profile, role_arn=config.role_arn)
        self._keys: dict[bytes, Key] | None = None
        self._current: Key | None = None

    @property
    def is_configured(self) -> bool:
        """Whether there is a key to write with."""
        return self._config.encryption_key is not None

    @property
    def is_resolved(self) -> bool:
        """Whether the keys have been looked up, or there are none."""
        return self._keys is not None or not self.is_configured

    async def resolve(self) -> None:
        """Look the keys up, anew if that was done before; programs and AWS are asked beside the event loop."""
        texts = [await resolve(self._config.encryption_key, self._login)]
        texts.append(await resolve(self._config.previous_encryption_key, self._login))
        self._take(texts)

    @property
    def current(self) -> Key:
        """The key that writes. ConfigError where there is none."""
        self._ensure()
        if self._current is None:
            raise ConfigError("no cache.encryption_key is set", hint="make one with `openssl rand -base64 32`")
        return self._current

    def named(self, key_id: bytes) -> Key | None:
        """The key that a header names."""
        self._ensure()
        return (self._keys or {}).get(key_id)

    def _ensure(self) -> None:
        if self._keys is None:
            secrets = (self._config.encryption_key, self._config.previous_encryption_key)
            self._take([resolve_sync(secret, self._login) for secret in secrets])

    def _take(self, texts: list[str | None]) -> None:
        keys = [None if text is None else Key(text) for text in texts]
        self._current = keys[0]
        self._keys = {key.id: key for key in reversed(keys) if key is not None}


def context_of(name: bytes, header: bytes) -> bytes:
    """What is authenticated besides a value: its key's name on the server and its header, each of known length."""
    return len(name).to_bytes(4, "big") + name + header


def _derived(material: bytes, purpose: bytes, length: int) -> bytes:
    """HKDF-SHA256 without a salt, for at most 32 bytes: extract, then the first block of expand (RFC 5869)."""
    extracted = hmac.digest(bytes(32), material, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")[:length]
