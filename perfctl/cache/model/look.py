"""What looking closer answers: one key taken apart, the hottest and biggest keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class KeyTag:
    """A tag of a value."""

    tag: str
    is_cleared: bool
    """Whether the tag was cleared after the value was written: then nobody is served the value."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """One key, taken apart; of a foreign key (`raw`) only what the server knows."""

    key: str
    namespace: str | None
    """None for a key that is addressed by its whole name."""
    server_name: str
    """The name under which it lies on the server."""
    found: bool
    state: str | None = None
    """`fresh`; `stale`: past its TTL, kept as a reserve; `cleared`: its namespace or a tag of it was cleared;
    `foreign`: not written by perfctl; `unreadable`."""
    type: str | None = None
    """The value's Python type; of a foreign key the server's: string, hash, list, set, zset, stream."""
    value: Any = None
    """Of a foreign key of many elements the first ones."""
    elements: int | None = None
    """How many elements a foreign hash, list, set, zset or stream has."""
    serializer: str | None = None
    compressor: str | None = None
    dictionary: str | None = None
    """The id of the zstd dictionary, in hexadecimal."""
    protection: str | None = None
    """`encrypted` or `signed`."""
    key_id: str | None = None
    """Which encryption key: the first bytes of its digest, in hexadecimal."""
    encoding: str | None = None
    """How the server keeps a foreign key: listpack, hashtable ..."""
    size_bytes: int | None = None
    """Header and body, as they lie on the server."""
    decoded_bytes: int | None = None
    """The serialised value before it was compressed."""
    ratio: float | None = None
    """size_bytes by decoded_bytes: 0.3 is a third."""
    memory_bytes: int | None = None
    """What the server spends on it, overhead included; None where it may not be asked."""
    created: str | None = None
    """When it was written, in ISO 8601."""
    ttl_seconds: float | None = None
    """What is left of its life; None when it never expires; 0 when it is stale."""
    stale_seconds: float | None = None
    """How long after that it stands in when nothing better can be had."""
    expires: bool | None = None
    """False: never."""
    sliding: bool | None = None
    """Whether a read starts its life anew."""
    etag: str | None = None
    namespace_version: int | None = None
    """The namespace's version when it was written."""
    current_version: int | None = None
    """And now; None where the namespace was never used by this version of perfctl."""
    tags: tuple[KeyTag, ...] = ()
    unreadable: str | None = None
    """Why the bytes are no value of ours."""


@dataclass(frozen=True, slots=True)
class TopKey:
    """One key of a ranking."""

    key: str
    namespace: str | None
    """None for a key that perfctl did not write."""
    type: str
    """The server's: string, hash ..."""
    size_bytes: int | None
    ttl_seconds: float | None
    """What the server says is left, reserve included; None when it never expires."""
    frequency: int | None = None
    """The server's logarithmic count of reads, where its policy is an LFU; with --monitor, the commands counted."""
    idle_seconds: int | None = None
    """Since it was last used, where the policy is not an LFU."""


@dataclass(frozen=True, slots=True)
class TopKeys:
    """The first of a ranking, and how it was found."""

    listing: ClassVar[str] = "rows"

    by: str
    """`hot`, `big` or `no-ttl`."""
    rows: tuple[TopKey, ...]
    method: str
    """How the keys were found, in a sentence."""
    sampled: int
    """Keys (with --monitor: commands) that were looked at."""
    keys: int | None
    """Keys on the server, ours or not; None where it may not be asked."""
    matching: int
    """Those of the looked-at that qualified, such as those without a TTL."""
    monitored_seconds: float | None = None
