"""The cache engine as the database's store of rows: both tiers, the backplane, one read for many who miss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from perfctl.cache.entry import Entry
from perfctl.cache.serving.call import Call
from perfctl.cache.values.types import register_type

if TYPE_CHECKING:
    from perfctl.cache.engine import AdvancedCache
    from perfctl.db.postgres import Record

_NAMESPACE = "queries.{}"
"""Of the cache, for the rows of one database."""
MOST_ROWS = 10_000
"""Answers with more rows are not kept: one of them could be as large as all others together."""


@register_type(name="perfctl.rows")
@dataclass(eq=False)
class KeptRows:
    """Rows as the cache can write them; as records once they were asked for."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] | None
    """None where a value is of a type that would not come back as it is."""

    @cached_property
    def records(self) -> Sequence[Record]:
        """The rows as the driver gives them."""
        from perfctl.db.postgres import records_of

        return records_of(self.columns, self.rows or ())

    @classmethod
    def of(cls, records: list[Record]) -> KeptRows:
        """The records, which stay with it."""
        from perfctl.db.rows import plain_rows

        kept = cls(*plain_rows(records))
        kept.__dict__["records"] = records
        return kept


class CacheRowStore:
    """Rows in a namespace of the cache for each database; each table is a tag of it."""

    def __init__(self, cache: AdvancedCache) -> None:
        self.cache = cache

    def shelf(self, database: str) -> CacheShelf:
        """A place for the answers of one more statement of a database."""
        return CacheShelf(self.cache, _NAMESPACE.format(database))

    async def forget(self, database: str, tables: Sequence[str] | None) -> None:
        """Tell every process; one that cannot be told hears of it when the server is back."""
        namespace = _NAMESPACE.format(database)
        if tables is None:
            await self.cache.clear(namespace)
        else:
            await asyncio.gather(*(self.cache.clear(namespace, tag=table) for table in tables))


class CacheShelf:
    """The answers of one statement, found in the process by their parameters without a key."""

    def __init__(self, cache: AdvancedCache, namespace: str) -> None:
        self._cache, self._namespace, self._state = cache, namespace, cache.state(namespace)
        self._found: dict[Any, Entry] = {}
        self._local, self._now = cache.local, cache.local.now
        self._holds_now, self._read = cache.marks.holds_now, cache.local.recent.append

    def here(self, place: Hashable) -> Sequence[Record] | None:
        """The rows, where the process may serve them unasked."""
        entry = self._found.get(place)
        if entry is None:
            return None
        state = self._state
        if (
            entry.good_until <= self._now()
            or entry.generation != state.generation
            or not self._holds_now(state, entry.version, entry.tags)
        ):
            return None
        self._read(entry.name)
        state.counts.hits_l1 += 1
        return entry.value.records  # type: ignore[no-any-return]

    async def get(
        self,
        place: Hashable,
        key: str,
        read: Callable[[], Awaitable[list[Record]]],
        *,
        tables: tuple[str, ...],
        ttl_seconds: float,
    ) -> tuple[Sequence[Record], bool]:
        """The rows from either tier, else what `read` returns: once for all who wait, in all processes."""
        fresh: list[list[Record]] = []

        async def made() -> KeptRows:
            fresh.append(await read())
            return KeptRows.of(fresh[-1])

        # A value past its TTL never stands in: whoever asks the database wants its error.
        call = Call(
            ttl=ttl_seconds, tags=tables, fail_safe=False, eager=0.0, keep_if=_is_to_be_kept, takes_refresh=False
        )
        name = self._cache.layout.of(key, self._namespace)
        kept: KeptRows = await self._cache.load(self._state, name, made, call)
        entry = self._local.entries.get(name)
        if entry is not None and entry.value is kept:
            self._local.shorten(entry, self._found, place)
        return kept.records, not fresh


def _is_to_be_kept(kept: KeptRows) -> bool:
    return kept.rows is not None and len(kept.rows) <= MOST_ROWS
