"""The versions of namespaces and tags as an operator reads them: looking never makes a mark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.cache.keys import KeyLayout
    from perfctl.cache.store import Store
    from perfctl.cache.values.meta import Meta


class Versions:
    """What was last read of the marks on the server; see `perfctl.cache.coherence.marks` for what they mean."""

    def __init__(self, store: Store, layout: KeyLayout) -> None:
        self._store = store
        self._layout = layout
        self._known: dict[bytes, int] = {}

    async def learn(self, namespace: str | None, metas: Iterable[Meta] = ()) -> int:
        """Read what judging these values needs, anew; the namespace's version, 0 where it has none yet."""
        names = {self._layout.mark(namespace)}
        names.update(self._layout.tag_mark(namespace, tag) for meta in metas for tag, _ in meta.tags)
        wanted = sorted(names)
        blobs = await self._store.get_many(wanted)
        self._known.update((name, _version_in(blob)) for name, blob in zip(wanted, blobs, strict=True))
        return self._known[self._layout.mark(namespace)]

    def is_cleared(self, namespace: str | None, meta: Meta) -> bool:
        """Whether the namespace or a tag was cleared after the value was written; after `learn`."""
        return meta.version != self._known[self._layout.mark(namespace)] or bool(self.cleared_tags(namespace, meta))

    def cleared_tags(self, namespace: str | None, meta: Meta) -> frozenset[str]:
        """The tags of a value that were cleared after it was written; after `learn`."""
        return frozenset(
            tag for tag, version in meta.tags if self._known[self._layout.tag_mark(namespace, tag)] != version
        )


def _version_in(blob: bytes | None) -> int:
    return int(blob) if blob is not None and blob.isdigit() and len(blob) <= 10 else 0
