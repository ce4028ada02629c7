"""Where a value lies on the server: the one place that knows the layout of keys.

    {prefix}:{namespace}:{key}     a value; `perfctl:api:user:123` is key `user:123` of namespace `api`
    {prefix}:~counters             a hash: what all processes counted, by namespace

A namespace keeps letters, digits, `_`, `.` and `-`; every other byte of its UTF-8 becomes `%XX`. So it holds no
colon, no `~`, no wildcard of SCAN and no hash tag: the second colon always ends it. The key follows as it is, in
UTF-8, and `{braces}` in it choose the cluster's slot as they do in Redis. A key longer than 512 bytes, or one that
starts with `~`, is kept under `~` and its BLAKE2b digest; the value is found, but its name is not listed.
"""

from __future__ import annotations

import re

from perfctl.errors import UsageError

DEFAULT_NAMESPACE = "default"
MAX_KEY_BYTES = 512

_PLAIN = re.compile(r"[A-Za-z0-9_.\-]+")
_WILDCARDS = re.compile(rb"([*?\[\]\\^])")


class KeyLayout:
    """The names of one prefix."""

    def __init__(self, prefix: str) -> None:
        self.root = _utf8(prefix, "key_prefix") + b":"
        self.counters = self.root + b"~counters"
        self._namespaces: dict[str | None, bytes] = {None: self._namespace_prefix(DEFAULT_NAMESPACE)}

    def of(self, key: str, namespace: str | None = None) -> bytes:
        """The server's name of a key. UsageError for an empty key or namespace.

        >>> KeyLayout("perfctl").of("user:123", "api")
        b'perfctl:api:user:123'
        """
        return self.namespace(namespace) + _key_part(key)

    def namespace(self, namespace: str | None) -> bytes:
        """What all names of a namespace start with.

        >>> KeyLayout("perfctl").namespace("eu:west")
        b'perfctl:eu%3Awest:'
        """
        known = self._namespaces.get(namespace)
        if known is None:
            known = self._namespaces[namespace] = self._namespace_prefix(namespace or "")
        return known

    def split(self, name: bytes) -> tuple[str, str] | None:
        """The namespace and key of a server's name; None when it holds no value of ours.

        >>> KeyLayout("perfctl").split(b"perfctl:eu%3Awest:user:123")
        ('eu:west', 'user:123')
        """
        if not name.startswith(self.root):
            return None
        namespace, colon, key = name[len(self.root) :].partition(b":")
        if not colon or not namespace or namespace.startswith(b"~"):
            return None
        return _unescape(namespace), key.decode("utf-8", "backslashreplace")

    def _namespace_prefix(self, namespace: str) -> bytes:
        if not namespace:
            raise UsageError(
                "the namespace is empty", hint="a namespace has at least one character; what names none is in 'default'"
            )
        return self.root + _escape(namespace) + b":"


def pattern_of(prefix: bytes) -> bytes:
    """The SCAN pattern of all names that start with `prefix`, taken literally."""
    return _WILDCARDS.sub(rb"\\\1", prefix) + b"*"


def _key_part(key: str) -> bytes:
    if not key:
        raise UsageError("the key is empty", hint="a key has at least one character")
    raw = _utf8(key, "key")
    if len(raw) <= MAX_KEY_BYTES and not raw.startswith(b"~"):
        return raw
    from hashlib import blake2b

    return b"~" + blake2b(raw, digest_size=20).hexdigest().encode()


def _escape(namespace: str) -> bytes:
    if _PLAIN.fullmatch(namespace):
        return namespace.encode()
    return b"".join(
        bytes([byte]) if _PLAIN.fullmatch(chr(byte)) else b"%%%02X" % byte for byte in _utf8(namespace, "namespace")
    )


def _unescape(namespace: bytes) -> str:
    raw = re.sub(rb"%([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), namespace)
    return raw.decode("utf-8", "backslashreplace")


def _utf8(text: str, what: str) -> bytes:
    """UTF-8; bytes that a shell passed and that are none stay what they are."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise UsageError(f"the {what} {text!r} is not text that UTF-8 can hold") from error
