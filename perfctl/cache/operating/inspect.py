"""One key taken apart: what its header says, what it holds, whether anybody would be served it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from perfctl.cache.clock import EPOCH_MS
from perfctl.cache.keys import DEFAULT_NAMESPACE
from perfctl.cache.model import CachedValue
from perfctl.cache.model.look import Inspected, KeyTag
from perfctl.cache.operating.life import life_of
from perfctl.cache.operating.operator import now_ms, raw_name
from perfctl.cache.values.codec import UndecodableError
from perfctl.cache.values.header import ENCRYPTED, SIGNED, read_header

if TYPE_CHECKING:
    from perfctl.cache.operating.operator import CacheOperator
    from perfctl.cache.values.meta import Meta

_ELEMENTS = 1000


async def inspect(operator: CacheOperator, key: str, namespace: str | None) -> Inspected:
    """A key of ours. What was cleared and what is stale is shown, too, and said to be so."""
    name = operator.layout.of(key, namespace)
    where: dict[str, Any] = {
        "key": key,
        "namespace": namespace or DEFAULT_NAMESPACE,
        "server_name": name.decode("utf-8", "backslashreplace"),
    }
    fetched = await operator.store.get(name)
    if fetched is None:
        return Inspected(**where, found=False)
    (memory,) = await operator.store.sizes([name])
    where |= {"found": True, "size_bytes": len(fetched.blob), "memory_bytes": memory}
    try:
        facts = operator.codec.describe(name, fetched.blob)
    except UndecodableError as error:
        left = fetched.ttl_ms
        where |= {"ttl_seconds": None if left is None else left / 1000, "expires": left is not None}
        return Inspected(**where, state="foreign", unreadable=str(error))
    meta = facts.meta
    life = life_of(meta, fetched.ttl_ms, now_ms())
    version = await operator.versions.learn(namespace, [meta])
    is_cleared = operator.versions.is_cleared(namespace, meta)
    said: dict[str, Any] = {
        "serializer": facts.serializer,
        "compressor": facts.compressor,
        "dictionary": facts.dictionary,
        "protection": _protection(fetched.blob),
        "key_id": facts.key_id,
        "decoded_bytes": facts.decoded_bytes,
        "ratio": round(facts.ratio, 4),
        "created": _moment(meta),
        "ttl_seconds": life.ttl_seconds,
        "stale_seconds": life.stale_seconds,
        "expires": life.ttl_ms is not None,
        "sliding": meta.sliding,
        "etag": meta.etag,
        "namespace_version": meta.version,
        "current_version": version or None,
        "tags": _tags(operator, namespace, meta),
    }
    state = "cleared" if is_cleared else "stale" if life.is_over else "fresh"
    try:
        value = (await operator.decoded(name, fetched.blob)).value
    except UndecodableError as error:
        return Inspected(**where, **said, state="unreadable", unreadable=str(error))
    return Inspected(**where, **said, state=state, type=type(value).__name__, value=value)


class RawValue(NamedTuple):
    """A foreign key's value, and how much of it that is."""

    value: CachedValue
    elements: int | None
    shown: int


async def raw_value(operator: CacheOperator, name: str) -> RawValue:
    """A key that perfctl did not write: a string whole, of what has elements the first 1,000."""
    raw = raw_name(name)
    fetched = await operator.store.get(raw)
    if fetched is not None:
        left = None if fetched.ttl_ms is None else fetched.ttl_ms / 1000
        found = CachedValue(name, None, True, _text_or_bytes(fetched.blob), "string", left, len(fetched.blob))
        return RawValue(found, None, 0)
    seen = await inspect_raw(operator, name, _ELEMENTS)
    if not seen.found:
        return RawValue(CachedValue(name, None, found=False), None, 0)
    found = CachedValue(name, None, True, seen.value, seen.type, seen.ttl_seconds, seen.memory_bytes)
    return RawValue(found, seen.elements, len(seen.value) if seen.value is not None else 0)


async def inspect_raw(operator: CacheOperator, name: str, elements: int) -> Inspected:
    """A key that perfctl did not write, by its whole name."""
    raw = raw_name(name)
    (facts,) = await operator.store.describe([raw])
    if facts is None:
        return Inspected(name, None, name, found=False)
    seen = await operator.store.preview(raw, facts.kind, elements)
    return Inspected(
        name,
        None,
        name,
        found=True,
        state="foreign",
        type=facts.kind,
        value=readable(seen.first),
        elements=seen.elements,
        encoding=seen.encoding,
        size_bytes=seen.elements if facts.kind == "string" else None,
        memory_bytes=facts.size_bytes,
        ttl_seconds=None if facts.ttl_ms is None else facts.ttl_ms / 1000,
        expires=facts.ttl_ms is not None,
    )


def readable(value: Any) -> Any:
    """Bytes as text; bytes that are no UTF-8 with their escapes.

    >>> readable({b"a": [b"\\xff", 1.5]})
    {'a': ['\\\\xff', 1.5]}
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {readable(key): readable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(item) for item in value]
    return value


def _text_or_bytes(blob: bytes) -> str | bytes:
    try:
        return blob.decode()
    except UnicodeDecodeError:
        return blob


def _tags(operator: CacheOperator, namespace: str | None, meta: Meta) -> tuple[KeyTag, ...]:
    cleared = operator.versions.cleared_tags(namespace, meta)
    return tuple(KeyTag(tag, tag in cleared) for tag, _ in meta.tags)


def _moment(meta: Meta) -> str | None:
    """None for a value of the first release, which did not say."""
    if meta.created_ms == EPOCH_MS:
        return None
    return datetime.fromtimestamp(meta.created_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _protection(blob: bytes) -> str | None:
    flags = read_header(blob).flags
    return "encrypted" if flags & ENCRYPTED else "signed" if flags & SIGNED else None
