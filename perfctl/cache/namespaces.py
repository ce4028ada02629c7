"""What a process knows of a namespace, and what holds in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any

from perfctl.cache.counters import NamespaceCounts
from perfctl.cache.timings import Timings
from perfctl.config.settings import CacheConfig, NamespaceSettings

NEVER = -inf
"""When something was heard of that was not."""


@dataclass(slots=True, eq=False)
class NamespaceState:
    """What a process knows of a namespace. One object for each, kept for ever: hot paths hold it.

    `generation` changes whenever what the process holds of it may not be served without asking the server.
    """

    name: str
    prefix: bytes
    mark: bytes
    settings: NamespaceSettings
    counts: NamespaceCounts
    timings: Timings
    version: int = 0
    """The last version that was heard of; 0: none, so no value of it can be judged."""
    generation: int = 0
    known_at: float = NEVER
    """When the version was read, by the monotonic clock; minus infinity: it must be read again."""
    tags: dict[str, int] = field(default_factory=dict)
    """The versions of tags that were heard of, and are believed as long as the namespace's own."""
    tags_known_at: dict[str, float] = field(default_factory=dict)


def settings_of(config: CacheConfig, namespace: str) -> NamespaceSettings:
    """What holds in a namespace: its own settings, the whole cache's where it has none."""
    own = next((each for each in config.namespaces if each.name == namespace), NamespaceSettings())

    def merged(name: str, general: Any) -> Any:
        value = getattr(own, name)
        return general if value is None else value

    return NamespaceSettings(
        name=namespace,
        ttl_seconds=merged("ttl_seconds", config.ttl_seconds),
        serialization_method=merged("serialization_method", config.serialization_method),
        compressor=merged("compressor", config.compressor if config.compression_enabled else "none"),
        dictionaries=merged("dictionaries", config.dictionaries),
        encrypted=merged("encrypted", config.encryption_key is not None),
        fail_safe_seconds=merged("fail_safe_seconds", config.fail_safe_seconds),
        negative_ttl_seconds=merged("negative_ttl_seconds", config.negative_ttl_seconds),
        eager_refresh_ratio=merged("eager_refresh_ratio", config.eager_refresh_ratio),
        local=merged("local", True),
    )
