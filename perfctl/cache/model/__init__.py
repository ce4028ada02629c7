"""What the cache answers: frozen results, without a driver. Each file of them is loaded when one is first used: to
make a dataclass takes as long as a look-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perfctl.cache.model.clears import Cleared, NamespaceSize
    from perfctl.cache.model.keys import Deleted, KeyLife, KeyPresence, Presence, Stored, Touched
    from perfctl.cache.model.loads import Preloaded
    from perfctl.cache.model.shared import NamespaceStats, SharedStats
    from perfctl.cache.model.stats import CacheStats, Percentiles, ServerFacts, TierStats, ratio
    from perfctl.cache.model.values import CachedValue

_FILES = {
    "CacheStats": "stats",
    "CachedValue": "values",
    "Cleared": "clears",
    "Deleted": "keys",
    "KeyLife": "keys",
    "KeyPresence": "keys",
    "NamespaceSize": "clears",
    "NamespaceStats": "shared",
    "Percentiles": "stats",
    "Preloaded": "loads",
    "Presence": "keys",
    "ServerFacts": "stats",
    "SharedStats": "shared",
    "Stored": "keys",
    "TierStats": "stats",
    "Touched": "keys",
    "ratio": "stats",
}

__all__ = [
    "CacheStats",
    "CachedValue",
    "Cleared",
    "Deleted",
    "KeyLife",
    "KeyPresence",
    "NamespaceSize",
    "NamespaceStats",
    "Percentiles",
    "Preloaded",
    "Presence",
    "ServerFacts",
    "SharedStats",
    "Stored",
    "TierStats",
    "Touched",
    "ratio",
]


def __getattr__(name: str) -> Any:
    """A result by its name."""
    file = _FILES.get(name)
    if file is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{file}"), name)
