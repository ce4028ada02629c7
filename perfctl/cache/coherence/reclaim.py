"""Giving back the memory of what was cleared: nobody is served it any more, so this may take its time.

A sweep walks a namespace by SCAN, reads the first bytes of each value, and unlinks what carries another version than
the namespace or one of its tags has now. Versions are read after the values they judge, so that a value which was
written after a clear never looks like one before it. What carries no header of ours is left alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.cache.keys import KeyLayout, is_own, pattern_of
from perfctl.cache.store import ForbiddenError
from perfctl.cache.values.header import MAGIC, UndecodableError, read_header
from perfctl.errors import ServiceError

if TYPE_CHECKING:
    from perfctl.cache.store import Store

BATCH = 500
"""Names of one SCAN: more stall other clients (measured: 10,000 for half a second)."""
_FREE_BATCH = 1000
"""The same where nothing holds a sweep back: two or three milliseconds of the server's time a step."""
_HEAD_BYTES = 8
_TAGGED_HEAD_BYTES = 512
_TAGS_FLAG = 8
_AT_ONCE = 3
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What a sweep did."""

    namespace: str
    seen: int
    """Names of the namespace that were looked at."""
    deleted: int
    took_ms: float
    is_complete: bool = True
    """False when somebody else took the lease over."""


class Pace:
    """How much of the server a sweep may take: so many names a second, such a share of the time."""

    def __init__(self, rate: float | None = None, *, share: float = 1.0) -> None:
        """Without a rate and with the whole time: as fast as it goes."""
        self._rate = rate
        self._share = share
        self._began = self._mark = time.perf_counter()
        self._done = 0

    @property
    def batch(self) -> int:
        """How many names to look at in one step: a tenth of a second's, where a rate was named."""
        if self.is_free:
            return _FREE_BATCH
        return BATCH if self._rate is None else max(1, min(BATCH, int(self._rate / 10)))

    @property
    def is_free(self) -> bool:
        """Whether nothing holds it back."""
        return self._rate is None and self._share >= 1

    async def rest(self, done: int) -> None:
        """Wait as long as `done` more names make necessary."""
        self._done += done
        now = time.perf_counter()
        pause = (now - self._mark) * (1 / self._share - 1)
        if self._rate is not None:
            pause = max(pause, self._began + self._done / self._rate - now)
        if pause > 0:
            await asyncio.sleep(pause)
        self._mark = time.perf_counter()


async def reclaim(
    store: Store,
    layout: KeyLayout,
    namespace: str,
    *,
    pace: Pace | None = None,
    on_progress: Progress | None = None,
    goes_on: Callable[[], bool] = lambda: True,
) -> Reclaimed:
    """Unlink all that was cleared in a namespace, at the given pace or as fast as it goes.

    Raises what the store raises; what was unlinked until then stays so, and the next sweep does the rest.
    """
    pace = pace or Pace()
    started = time.perf_counter()
    seen = deleted = 0
    async for looked, gone in _sweep(_Judge(store, layout, namespace), pace):
        seen += looked
        deleted += gone
        if on_progress:
            on_progress(deleted)
        if not goes_on():
            return Reclaimed(namespace, seen, deleted, _ms_since(started), is_complete=False)
        await pace.rest(gone)
    return Reclaimed(namespace, seen, deleted, _ms_since(started))


async def remaining(store: Store, layout: KeyLayout, namespace: str) -> int:
    """How many values of a namespace were cleared and still take memory: counted, each of them, without deleting."""
    judge = _Judge(store, layout, namespace)
    count = 0
    async for names in store.scan(layout.namespace(namespace), batch=BATCH):
        count += len(await judge.cleared(names))
    return count


async def _sweep(judge: _Judge, pace: Pace) -> AsyncIterator[tuple[int, int]]:
    """Unlink what was cleared, batch by batch: how many names were looked at, and how many of them went."""
    nodes = await judge.store.nodes()
    if len(nodes) == 1:
        try:
            async for step in _sweep_by_script(judge, nodes[0], pace.batch):
                yield step
        except (ForbiddenError, ServiceError):
            pass  # no scripts here: what was done is done, the rest is done by commands
        else:
            return
    async for step in _sweep_by_commands(judge, pace.batch, _AT_ONCE if pace.is_free else 1):
        yield step


_SCRIPT = """
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
if not version then return {'0', 0, 0, {}} end
local now = string.char(math.floor(version / 16777216), math.floor(version / 65536) % 256,
  math.floor(version / 256) % 256, version % 256)
local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local call, start = redis.pcall, tonumber(ARGV[4])
local gone, tagged = {}, {}
for _, name in ipairs(found[2]) do
  if name:byte(start) ~= 126 or (#name == start + 40 and not name:find('[^0-9a-f]', start + 1)) then
    local head = call('GETRANGE', name, 0, 7)
    if type(head) == 'string' and #head >= 4 and head:byte(1) == 193 then
      local form = head:byte(2)
      if form == 1 or (form == 2 and head:sub(5) ~= now) then
        gone[#gone + 1] = name
      elseif form == 2 and math.floor(head:byte(4) / 8) % 2 == 1 then
        tagged[#tagged + 1] = name
      end
    end
  end
end
for first = 1, #gone, 1000 do
  redis.call('DEL', unpack(gone, first, math.min(first + 999, #gone)))
end
return {found[1], #found[2], #gone, tagged}
"""
"""One step of a sweep: judges and deletes at once, so that no value is deleted that another process just wrote. DEL,
since a string's memory is never freed in the background; measured: half the server's time of SCAN, GETRANGE and
UNLINK from outside, and none of ours. One MGET of short values in place of the GETRANGEs saves no more than the noise;
names that are sent out and in again, so that a SCAN runs while others are judged, cost more of the server's time than
the gap between two steps."""


async def _sweep_by_script(judge: _Judge, node: str, batch: int) -> AsyncIterator[tuple[int, int]]:
    """On a connection of its own, so that nobody's replies wait behind it."""
    line = await judge.store.line(node)
    pattern, after_prefix = pattern_of(judge.prefix), len(judge.prefix) + 1
    try:
        cursor = b"0"
        while True:
            step = await line.ask("EVAL", _SCRIPT, 1, judge.mark, cursor, pattern, batch, after_prefix)
            cursor, seen, gone, tagged = step
            yield seen, gone + await judge.unlink_cleared(tagged)
            if cursor == b"0":
                return
    finally:
        await line.close()


async def _sweep_by_commands(judge: _Judge, batch: int, at_once: int) -> AsyncIterator[tuple[int, int]]:
    """SCAN, GETRANGE and UNLINK, some batches at once: on a cluster, and where scripts are forbidden."""
    at_work: set[asyncio.Task[int]] = set()
    try:
        async for names in judge.store.scan(judge.prefix, batch=batch):
            at_work.add(asyncio.create_task(judge.unlink_cleared(names)))
            gone = 0
            if len(at_work) >= at_once:
                done, at_work = await asyncio.wait(at_work, return_when=asyncio.FIRST_COMPLETED)
                gone = sum(task.result() for task in done)
            yield len(names), gone
        yield 0, sum(await asyncio.gather(*at_work))
    finally:
        for task in at_work:
            task.cancel()


class _Judge:
    """Tells values that were cleared from those that hold."""

    def __init__(self, store: Store, layout: KeyLayout, namespace: str) -> None:
        self.store = store
        self.prefix = layout.namespace(namespace)
        self.mark = layout.mark(namespace)
        self._layout = layout
        self._namespace = namespace

    async def unlink_cleared(self, names: Sequence[bytes]) -> int:
        """How many of the names went."""
        cleared = await self.cleared(names)
        return await self.store.delete(cleared) if cleared else 0

    async def cleared(self, names: Sequence[bytes]) -> list[bytes]:
        """Those whose value carries an old version."""
        start = len(self.prefix)
        values = [name for name in names if name[start : start + 1] != b"~" or not is_own(name[start:])]
        if not values:
            return []
        heads = await self.store.heads(values, _HEAD_BYTES)
        version = await self._version()
        if version is None:  # no mark: nothing that was written may be served, or nothing was ever written
            return [name for name, head in zip(values, heads, strict=True) if _is_ours(head)]
        cleared, tagged = [], []
        for name, head in zip(values, heads, strict=True):
            if not _is_ours(head):
                continue
            if head[1] != 2 or head[4:8] != version:  # type: ignore[index]
                cleared.append(name)
            elif head[3] & _TAGS_FLAG:  # type: ignore[index]
                tagged.append(name)
        return cleared + await self._cleared_by_tag(tagged)

    async def _version(self) -> bytes | None:
        return _packed_version((await self.store.get_many([self.mark]))[0])

    async def _cleared_by_tag(self, names: Sequence[bytes]) -> list[bytes]:
        if not names:
            return []
        heads = await self.store.heads(names, _TAGGED_HEAD_BYTES)
        tags_of = {name: _tags_in(head) for name, head in zip(names, heads, strict=True) if head}
        marks = {
            tag: self._layout.tag_mark(self._namespace, tag)
            for tag in dict.fromkeys(tag for tags in tags_of.values() for tag, _ in tags)
        }
        blobs = await self.store.get_many(list(marks.values()))
        now = {tag: _version_number(blob) for tag, blob in zip(marks, blobs, strict=True)}
        return [name for name, tags in tags_of.items() if any(now[tag] != version for tag, version in tags)]


def _is_ours(head: bytes | None) -> bool:
    return head is not None and len(head) >= 4 and head[0] == MAGIC and head[1] in (1, 2)


def _tags_in(head: bytes) -> tuple[tuple[str, int], ...]:
    try:
        return read_header(head, is_head=True).meta.tags
    except UndecodableError:
        return ()


def _version_number(blob: bytes | None) -> int:
    return int(blob) if blob is not None and blob.isdigit() and len(blob) <= 10 else 0


def _packed_version(blob: bytes | None) -> bytes | None:
    version = _version_number(blob)
    return version.to_bytes(4, "big") if 0 < version < 2**32 else None


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
