"""Looks into a server that only an operator takes: a key of whatever type, the commands that run."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hiredis import ReplyError

from perfctl.cache.redis.channel import Channel, packed
from perfctl.cache.redis.node import hand_over
from perfctl.cache.store import Preview

STRING_BYTES = 4096
"""So much of a foreign string is shown."""

_LENGTH: Mapping[str, str] = {
    "string": "STRLEN",
    "hash": "HLEN",
    "list": "LLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "stream": "XLEN",
}

_FIRST: Mapping[str, Callable[[bytes, int], bytes]] = {
    "string": lambda name, _count: packed("GETRANGE", name, 0, STRING_BYTES - 1),
    "hash": lambda name, count: packed("HSCAN", name, 0, "COUNT", count),
    "list": lambda name, count: packed("LRANGE", name, 0, count - 1),
    "set": lambda name, count: packed("SSCAN", name, 0, "COUNT", count),
    "zset": lambda name, count: packed("ZRANGE", name, 0, count - 1, "WITHSCORES"),
    "stream": lambda name, count: packed("XRANGE", name, "-", "+", "COUNT", count),
}


def questions(name: bytes, kind: str, count: int) -> list[bytes]:
    """The commands whose replies `preview_of` takes."""
    encoding = packed("OBJECT", "ENCODING", name)
    return [encoding, packed(_LENGTH[kind], name), _FIRST[kind](name, count)] if kind in _LENGTH else [encoding]


def preview_of(kind: str, count: int, encoding: Any, length: Any = None, first: Any = None) -> Preview:
    """How the server keeps a key (None where OBJECT is forbidden), how many elements it has, the first of them."""
    told = None if encoding is None or type(encoding) is ReplyError else encoding.decode()
    return Preview(told, length, _elements(kind, count, first))


def _elements(kind: str, count: int, first: Any) -> Any:
    if kind in ("hash", "set"):
        members = first[1]
        return list(members)[:count] if kind == "set" else dict(list(_pairs(members).items())[:count])
    if kind == "zset":
        scored = dict(first) if first and isinstance(first[0], list) else _pairs(first)
        return {member: float(score) for member, score in scored.items()}
    if kind == "stream":
        return [[entry, _pairs(fields or [])] for entry, fields in first]
    return first


def _pairs(flat: Any) -> dict[bytes, Any]:
    return flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))


async def monitor(channel: Channel, seconds: float) -> Counter[bytes]:
    """How often each key is named by the commands that a node runs in so many seconds (MONITOR)."""
    seen: Counter[bytes] = Counter()
    channel.on_push = lambda line: seen.update(keys_named(line) if isinstance(line, bytes) else ())
    started: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    channel.request(packed("MONITOR"), 1, lambda replies, error: hand_over(started, replies, error))
    (reply,) = await started
    if isinstance(reply, ReplyError):
        raise reply
    await asyncio.sleep(seconds)
    return seen


def keys_named(line: bytes) -> list[bytes]:
    """The keys that a line of MONITOR names: the first argument, or all where the command takes keys alone.

    >>> keys_named(b'1700000000.1 [0 127.0.0.1:5000] "GET" "a b"'), keys_named(b'1.0 [0 x] "MGET" "a" "b"')
    ([b'a b'], [b'a', b'b'])
    """
    words = [_unescaped(word) for word in _WORD.findall(line.partition(b"]")[2])]
    if len(words) < 2 or words[0].upper() in _KEYLESS:
        return []
    return words[1:] if words[0].upper() in _OF_KEYS_ALONE else words[1:2]


def _unescaped(word: bytes) -> bytes:
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]) if match[1] else _LETTERS.get(match[2], match[2]), word)


_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
_OF_KEYS_ALONE = frozenset({b"MGET", b"DEL", b"UNLINK", b"EXISTS", b"TOUCH"})
_KEYLESS = frozenset(
    b"ACL AUTH CLIENT CLUSTER COMMAND CONFIG DBSIZE DEBUG ECHO EVAL EVALSHA FCALL FLUSHALL FLUSHDB FUNCTION HELLO INFO"
    b" KEYS LATENCY MEMORY MODULE MONITOR OBJECT PING PSUBSCRIBE PUBLISH PUBSUB RANDOMKEY ROLE SCAN SCRIPT SELECT"
    b" SLOWLOG SSUBSCRIBE SUBSCRIBE TIME UNSUBSCRIBE WAIT".split()
)
