"""What completed invalidations held, whoever sent them: it never changes, so it is asked for once."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

from perfctl.cdn.model.invalidations import Invalidation
from perfctl.cdn.queue.moments import moment_of
from perfctl.cdn.queue.store import Store
from perfctl.errors import PerfctlError

_AT_ONCE = 500


class Seen:
    """The items of completed invalidations, in the queue's file. A file that cannot be used keeps nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def items_of(self, distribution: str, identifiers: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The items of those that are known."""
        if not self._store.is_there:
            return {}
        known: dict[str, tuple[str, ...]] = {}
        try:
            with self._store.reading() as connection:
                for start in range(0, len(identifiers), _AT_ONCE):
                    some = identifiers[start : start + _AT_ONCE]
                    marks = ", ".join("?" * len(some))
                    rows = connection.execute(
                        f"SELECT cf_id, items FROM seen WHERE distribution = ? AND cf_id IN ({marks})",  # noqa: S608
                        (distribution, *some),
                    )
                    known |= {row["cf_id"]: tuple(zlib.decompress(row["items"]).decode().split("\n")) for row in rows}
        except (PerfctlError, zlib.error):
            return {}
        return known

    def keep(self, rows: Iterable[Invalidation]) -> bool:
        """Keep those that are completed. Whether the file took them."""
        kept = [
            (row.distribution_id, row.invalidation_id, moment_of(row.created_at), _packed(row.paths))
            for row in rows
            if row.status == "Completed" and row.created_at and row.paths
        ]
        if not kept:
            return True
        try:
            with self._store.writing() as connection:
                connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", kept)
        except PerfctlError:
            return False
        return True


def _packed(items: Iterable[str]) -> bytes:
    """Items hold no line break: CloudFront takes them encoded."""
    return zlib.compress("\n".join(items).encode(), 1)
