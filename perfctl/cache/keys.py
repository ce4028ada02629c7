"""Where a value lies on the server: the one place that knows the layout of keys.

    {prefix}:{namespace}:{key}     a value; `perfctl:api:user:123` is key `user:123` of namespace `api`
    {prefix}:{namespace}:~v        the namespace's version (see marks.py)
    {prefix}:{namespace}:~t:{tag}  a tag's version
    {prefix}:{namespace}:~l:{key}  the lock of the process that computes a missing value
    {prefix}:{namespace}:~d        which zstd dictionary new values are written with
    {prefix}:{namespace}:~d:{id}   a dictionary
    {prefix}:{namespace}:~reclaim  the lease of the process that gives back what was cleared
    {prefix}:~counters             a hash: what all processes counted, by namespace
    {prefix}:~canary:...           what a self-test writes, for some seconds
    {prefix}:~b, {prefix}:~w       channels: what was written, where CLIENT TRACKING is not offered; locks that are free

A namespace keeps letters, digits, `_`, `.` and `-`; every other byte of its UTF-8 becomes `%XX`. So it holds no
colon, no `~`, no wildcard of SCAN and no hash tag: the second colon always ends it. The key follows as it is, in
UTF-8, and `{braces}` in it choose the cluster's slot as they do in Redis. A key longer than 512 bytes, or one that
starts with `~`, is kept under `~` and its BLAKE2b digest; the value is found, but its name is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from perfctl.errors import UsageError

DEFAULT_NAMESPACE = "default"
MAX_KEY_BYTES = 512

_PLAIN = re.compile(r"[A-Za-z0-9_.\-]+")
_DIGEST = re.compile(rb"~[0-9a-f]{40}")
_WILDCARDS = re.compile(rb"([*?\[\]\\^])")


class KeyLayout:
    """The names of one prefix."""

    def __init__(self, prefix: str) -> None:
        self.root = _utf8(prefix, "key_prefix") + b":"
        self.counters = self.root + b"~counters"
        self._namespaces: dict[str | None, bytes] = {None: self._namespace_prefix(DEFAULT_NAMESPACE)}

    def of(self, key: str, namespace: str | None = None) -> bytes:
        """The server's name of a key. UsageError for a key or namespace that is empty or no text.

        >>> KeyLayout("perfctl").of("user:123", "api")
        b'perfctl:api:user:123'
        """
        known = self._namespaces.get(namespace)
        try:
            if known is not None and key.isascii() and 0 < len(key) <= MAX_KEY_BYTES and key[0] != "~":
                return known + key.encode()
        except AttributeError:
            refuse_other_than_text(key, "key")
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

    def mark(self, namespace: str | None) -> bytes:
        """Where the version of a namespace lies.

        >>> KeyLayout("perfctl").mark("api")
        b'perfctl:api:~v'
        """
        return self.own(namespace, b"v")

    def tag_mark(self, namespace: str | None, tag: str) -> bytes:
        """Where the version of a tag lies; of a tag longer than a key may be, under its digest.

        >>> KeyLayout("perfctl").tag_mark("api", "user:7")
        b'perfctl:api:~t:user:7'
        """
        return self.own(namespace, b"t:" + _key_part(tag, "tag"))

    def own(self, namespace: str | None, name: bytes) -> bytes:
        """The name of something that is no value: no key of an application is ever kept there.

        >>> KeyLayout("perfctl").own("api", b"reclaim")
        b'perfctl:api:~reclaim'
        """
        return self.namespace(namespace) + b"~" + name

    def lock(self, namespace: str | None, name: bytes) -> bytes:
        """The name of the lock of who computes the value of a name.

        >>> KeyLayout("perfctl").lock("api", b"perfctl:api:user:123")
        b'perfctl:api:~l:user:123'
        """
        return self.own(namespace, b"l:" + name[len(self.namespace(namespace)) :])

    def split(self, name: bytes) -> tuple[str, str] | None:
        """The namespace and key of a server's name; None when it holds no value of ours.

        >>> KeyLayout("perfctl").split(b"perfctl:eu%3Awest:user:123")
        ('eu:west', 'user:123')
        """
        if not name.startswith(self.root):
            return None
        namespace, colon, key = name[len(self.root) :].partition(b":")
        if not colon or not namespace or namespace.startswith(b"~") or is_own(key):
            return None
        return _unescape(namespace), key.decode("utf-8", "backslashreplace")

    def _namespace_prefix(self, namespace: str) -> bytes:
        refuse_other_than_text(namespace, "namespace")
        if not namespace:
            raise UsageError(
                "the namespace is empty", hint="a namespace has at least one character; what names none is in 'default'"
            )
        return self.root + _escape(namespace) + b":"


def is_own(key: bytes) -> bool:
    """Whether what follows a namespace's prefix names no value: it begins with `~` and is no digest of a long key.

    >>> is_own(b"~v"), is_own(b"user:7"), is_own(b"~" + b"0" * 40)
    (True, False, False)
    """
    return key.startswith(b"~") and _DIGEST.fullmatch(key) is None


def pattern_of(prefix: bytes) -> bytes:
    """The SCAN pattern of all names that start with `prefix`, taken literally."""
    return _WILDCARDS.sub(rb"\\\1", prefix) + b"*"


def is_match(pattern: bytes, name: bytes) -> bool:
    r"""Whether a name matches a glob as SCAN reads it: `*`, `?`, `[a-z]`, `[^a]`; a `\` makes the next byte literal.

    >>> is_match(b"user:[0-9]*", b"user:12"), is_match(rb"a\*", b"ab")
    (True, False)
    """
    return _regex(pattern).fullmatch(name) is not None


@lru_cache(maxsize=32)
def _regex(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(b"".join(_regex_of(part) for part in _GLOB_PARTS.findall(pattern)), re.DOTALL)


_GLOB_PARTS = re.compile(rb"\\.|\[\^?(?:\\.|[^\]\\])+\]|.", re.DOTALL)


def _regex_of(part: bytes) -> bytes:
    if part in (b"*", b"?"):
        return b".*" if part == b"*" else b"."
    if len(part) > 1 and part.startswith(b"["):
        return b"[" + part[1:-1].replace(b"[", rb"\[") + b"]"
    return re.escape(part[1:] if len(part) > 1 else part)


def refuse_other_than_text(name: object, what: str) -> None:
    """UsageError for a key, tag or namespace that is no `str`, such as a number."""
    if not isinstance(name, str):
        raise UsageError(f"the {what} {name!r} is no text, but {type(name).__name__}", hint=f"such as {str(name)!r}")


def listed(keys: Iterable[str]) -> list[str]:
    """Keys as a list. UsageError for one text: its letters would be the keys."""
    if isinstance(keys, str):
        raise UsageError(f"keys: {keys!r} is one text, and no list of keys", hint=f"write [{keys!r}]")
    return list(keys)


def tags_of(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags. UsageError for one text: its letters would be the tags.

    >>> tags_of(["users", "user:7"])
    ('users', 'user:7')
    """
    if isinstance(tags, str):
        raise UsageError(f"tags: {tags!r} is one text, and no sequence of tags", hint=f"write ({tags!r},)")
    for tag in tags:
        refuse_other_than_text(tag, "tag")
    return tuple(tags)


def _key_part(key: str, what: str = "key") -> bytes:
    refuse_other_than_text(key, what)
    if not key:
        raise UsageError(f"the {what} is empty", hint=f"a {what} has at least one character")
    raw = _utf8(key, what)
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
