"""Commands in RESP: what is sent often, packed by hand, and what must happen in one step, in Lua."""

from __future__ import annotations

from perfctl.cache.clock import EPOCH_MS
from perfctl.cache.redis.channel import packed
from perfctl.cache.store import Dated, Write


def set_command(write: Write) -> bytes:
    """SET, with PX where it expires."""
    name, blob, ttl_ms = write
    head = b"$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(blob), blob)
    if ttl_ms is None:
        return b"*3\r\n" + head
    life = b"%d" % ttl_ms
    return b"*5\r\n%b$2\r\nPX\r\n$%d\r\n%b\r\n" % (head, len(life), life)


KEEP = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
"""Only who has the token touches the lock: it may have expired and belong to another by now."""

RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], KEYS[1])
return 1
"""
"""`pcall`: a user who may not publish frees the lock all the same, and those who wait look again by themselves."""

_PUT_NEWEST = """
local head = redis.pcall('GETRANGE', KEYS[1], 0, 12)
if type(head) == 'string' and #head == 13 and string.sub(head, 1, 2) == '\\193\\2' then
  local made = 0
  for place = 9, 13 do made = made * 256 + string.byte(head, place) end
  if made >= tonumber(ARGV[2]) then return 0 end
end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) end
return 1
"""
"""Bytes 9 to 13 of a blob are when its value was made (`perfctl.cache.values.header`)."""


def put_newest(dated: Dated) -> bytes:
    """The command that keeps a write only where the server has none of its name or an older one; 1 when it did."""
    name, blob, ttl_ms = dated.write
    life = "" if ttl_ms is None else ttl_ms
    return packed("EVAL", _PUT_NEWEST, 1, name, blob, dated.created_ms - EPOCH_MS, life)


_SWAP = """
local length = redis.call('STRLEN', KEYS[1])
if length ~= tonumber(ARGV[3]) then return 0 end
if redis.call('GETRANGE', KEYS[1], 0, 12) ~= ARGV[4] or redis.call('GETRANGE', KEYS[1], -4, -1) ~= ARGV[5] then
  return 0
end
if ARGV[2] == '' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
"""


def swap(write: Write, old: bytes) -> bytes:
    """The command that keeps a write only where the server still has the old blob; 1 when it did."""
    name, blob, ttl_ms = write
    life = "" if ttl_ms is None else ttl_ms
    return packed("EVAL", _SWAP, 1, name, blob, life, len(old), old[:13], old[-4:])
