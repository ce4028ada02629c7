"""Telling the server, once it is back, what it missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.cache.serving.recovery import Missed
from perfctl.cache.serving.shared import UNANSWERED, SharedTier
from perfctl.cache.store import Dated, Write
from perfctl.cache.values.codec import UndecodableError

if TYPE_CHECKING:
    from perfctl.cache.serving.tiers import Tiers

_BATCH = 500


async def replay(tiers: Tiers) -> None:
    """Clears first, then writes (kept where the server has nothing newer), then deletions (of what is older). What
    cannot be told now stays for the next time."""
    shared = tiers.shared
    if shared is None:
        return
    if not await tiers.marks.send_unsent():
        return
    recovery = tiers.recovery
    recovery.is_wanted_again = True
    if recovery.is_under_way:
        return
    with recovery.under_way():
        while recovery.is_wanted_again:
            recovery.is_wanted_again = False
            await _tell(tiers, shared)


async def _tell(tiers: Tiers, shared: SharedTier) -> None:
    """In batches; who deletes a key of the batch under way waits for its end, else it would come back."""
    waiting = tiers.recovery.listed()
    for start in range(0, len(waiting), _BATCH):
        batch = tiers.recovery.begin_to_tell(waiting[start : start + _BATCH])
        try:
            if not (await _write(tiers, shared, batch) and await _delete(tiers, shared, batch)):
                return
        finally:
            tiers.recovery.end_to_tell()
        tiers.recovery.settle_all(batch)


async def _write(tiers: Tiers, shared: SharedTier, batch: Sequence[Missed]) -> bool:
    now_ms = tiers.now_ms
    dated: list[Dated] = []
    for missed in batch:
        left_ms = missed.left_ms(now_ms)
        blob = await _current(tiers, missed) if missed.blob is not None and left_ms != 0 else None
        if blob is not None:
            # Of two writes within one millisecond ours is taken for the later one: it was, if both are ours.
            dated.append(Dated(Write(missed.name, blob, left_ms), missed.created_ms + 1))
    if not dated:
        return True
    kept = await shared.ask(lambda: shared.store.put_newest(dated), UNANSWERED)
    if kept is UNANSWERED:
        return False
    for each, is_kept in zip(dated, kept, strict=True):
        if not is_kept:  # somebody else was later
            tiers.local.delete(each.write.name)
    tiers.announce([each.write.name for each, is_kept in zip(dated, kept, strict=True) if is_kept])
    return True


async def _current(tiers: Tiers, missed: Missed) -> bytes | None:
    """The blob of a write; one that was made before the version of its namespace was known is made anew."""
    blob = missed.blob
    if blob is None:
        return None
    try:
        meta = tiers.codec.peek(blob)
        if meta.version:
            return blob
        state = tiers.marks.state(missed.namespace)
        if not await tiers.marks.ensure(state):
            return None
        decoded = tiers.codec.decode(missed.name, blob)
    except UndecodableError:
        return None
    entry = tiers.local.entries.get(missed.name)
    if entry is not None and entry.created_ms == missed.created_ms:
        entry.version = state.version
    return tiers.codec.encode(
        missed.name, decoded.value, decoded.meta._replace(version=state.version), namespace=missed.namespace
    )


async def _delete(tiers: Tiers, shared: SharedTier, batch: Sequence[Missed]) -> bool:
    """A deletion; also what is left to do for a write whose life was over meanwhile: the older value must go."""
    now_ms = tiers.now_ms
    doomed = {missed.name: missed for missed in batch if missed.blob is None or missed.left_ms(now_ms) == 0}
    if not doomed:
        return True
    names = list(doomed)
    heads = await shared.ask(lambda: shared.store.heads(names), UNANSWERED)
    if heads is UNANSWERED:
        return False
    older = [
        name
        for name, head in zip(names, heads, strict=True)
        if head is not None and not _is_newer(tiers, head, doomed[name].created_ms)
    ]
    if older and await shared.ask(lambda: shared.store.remove(older), UNANSWERED) is UNANSWERED:
        return False
    tiers.announce(older)
    return True


def _is_newer(tiers: Tiers, head: bytes, created_ms: int) -> bool:
    try:
        return tiers.codec.peek(head).created_ms > created_ms
    except UndecodableError:
        return False
