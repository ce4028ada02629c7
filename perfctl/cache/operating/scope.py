"""What one clear is about: a namespace, a tag in it, or the keys that match a pattern; measured, planned, cleared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.cache.operating import clearing
from perfctl.cache.operating.census import measure

if TYPE_CHECKING:
    from perfctl.cache.model import Cleared, NamespaceSize
    from perfctl.cache.operating.operator import CacheOperator, Progress


@dataclass(frozen=True, slots=True)
class ClearScope:
    """What is to be cleared."""

    operator: CacheOperator
    namespace: str
    tag: str | None = None
    pattern: str | None = None
    is_raw: bool = False
    """Whether the pattern is one of whole names, whoever wrote them."""

    @property
    def action(self) -> str:
        """The verb and its object: `clear tag 'user:7' in namespace 'api'`."""
        if self.pattern is not None:
            return f"clear keys that match {self.pattern!r}" + ("" if self.is_raw else self._within)
        return (
            f"clear tag {self.tag!r}{self._within}" if self.tag is not None else f"clear namespace {self.namespace!r}"
        )

    async def measured(self) -> NamespaceSize:
        """How much that is, now."""
        if self.pattern is None:
            return await measure(self.operator, self.namespace, tag=self.tag)
        return await clearing.measure_pattern(self.operator, self.pattern, namespace=self.namespace, is_raw=self.is_raw)

    def planned(self, size: NamespaceSize) -> Cleared:
        """What a clear would do; nothing is cleared."""
        return clearing.planned(size, tag=self.tag, pattern=self.pattern, is_raw=self.is_raw)

    async def cleared(
        self,
        size: NamespaceSize,
        *,
        reclaim: bool = False,
        rate: float | None = None,
        on_progress: Progress | None = None,
    ) -> Cleared:
        """Clear what was measured."""
        if self.pattern is not None:
            return await clearing.clear_pattern(
                self.operator, size, self.pattern, is_raw=self.is_raw, rate=rate, on_progress=on_progress
            )
        if self.tag is not None:
            return await clearing.clear_tag(
                self.operator, size, self.tag, reclaim=reclaim, rate=rate, on_progress=on_progress
            )
        return await clearing.clear_namespace(self.operator, size, reclaim=reclaim, rate=rate, on_progress=on_progress)

    @property
    def _within(self) -> str:
        return f" in namespace {self.namespace!r}"
