"""The only importer of redis-py: one server, a cluster or a sentinel set behind the seam of `store.py`."""

from perfctl.cache.redis.store import RedisStore

__all__ = ["RedisStore"]
