"""What the sources of the cache share: the server, its figures by namespace, its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Skipped

if TYPE_CHECKING:
    from perfctl.cache.model.shared import SharedStats
    from perfctl.cache.operating.operator import CacheOperator
    from perfctl.diagnosis import Check
    from perfctl.operations.optimizing.asked import Asked


def redis_of(asked: Asked) -> CacheOperator:
    """The server behind the cache. `Skipped` where there is none."""
    config = asked.optimizer.settings.cache
    if not (config.has_redis or config.cluster_enabled or config.sentinel_enabled):
        raise Skipped("no Redis is configured: set cache.redis_url or REDIS_HOST")
    return asked.optimizer.cache.operator


async def shared_stats(asked: Asked) -> SharedStats:
    """What lies on the server and what all processes counted, the largest namespace first; asked once."""
    operator = redis_of(asked)
    return await asked.once("cache.stats", lambda: operator.stats(with_nodes=True))


async def cache_checks(asked: Asked) -> list[Check]:
    """What `perfctl cache check` says; asked once."""
    operator = redis_of(asked)
    return await asked.once("cache.check", operator.check)
