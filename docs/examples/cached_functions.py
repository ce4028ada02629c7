"""Caching what functions return: every option once, for plain and async functions and methods."""

import asyncio
from dataclasses import dataclass

from perfctl import AdvancedCache, CacheConfig

cache = AdvancedCache(CacheConfig(ttl_seconds=300))  # redis_url="redis://..." shares it among processes


@dataclass(frozen=True)
class User:
    """Comes back from Redis as a User: the return annotation says so."""

    id: int
    name: str


DATABASE = {1: "Ada", 2: "Zoë"}


@cache.cache_decorator(
    ttl=3600,
    namespace="users",
    key="user:{user_id}",  # also {user.id}, {items[0]}, {query:hash}, {name:lower}
    tags=("users", "user:{user_id}"),  # await cache.clear("users", tag="user:7")
    condition=lambda user: user is not None,  # what is not kept is asked for again
    version=2,  # another version does not read what the last one kept
    soft_timeout=0.2,  # then a stale value will do, where there is one
    hard_timeout=5,  # then TimedOutError
    eager=0.8,  # after four fifths of its life a call renews it in the background
)
async def user_of(user_id: int) -> User | None:
    """Works at import time; connects at the first call that misses."""
    name = DATABASE.get(user_id)
    return None if name is None else User(user_id, name)


class Reports:
    """`self` stays out of the key, and so do sessions, requests, connections and loggers."""

    @cache.cache_decorator(namespace="reports", ignore=("trace_id",), negative_ttl=5, sliding=True)
    def total(self, year: int, trace_id: str = "") -> int | None:
        """The key is made of the year alone."""
        return year * 2


async def main() -> None:
    """What a cached function can be asked besides."""
    ada = await user_of(1)
    assert await user_of(user_id=1) is ada  # a hit in the process is the very object
    assert user_of.key(1) == "user:1@2"
    DATABASE[1] = "Ada Lovelace"
    assert await user_of.bypass(1) == User(1, "Ada Lovelace")  # neither looks nor keeps
    assert await user_of(1) == ada
    assert await user_of.refresh(1) == User(1, "Ada Lovelace")  # calls now; an error leaves the old value
    await user_of.invalidate(1)
    warmed = await user_of.preload([1, (2,), {"user_id": 3}], concurrency=10)
    assert (warmed.loaded, warmed.failed) == (3, 0)
    assert await user_of(2) == User(2, "Zoë")
    await cache.clear("users", tag="user:2")


if __name__ == "__main__":
    asyncio.run(main())
    reports = Reports()
    assert reports.total(2026, "t1") == reports.total(2026, trace_id="t2") == 4052
    Reports.total.invalidate(2026)
    assert Reports.total.refresh(reports, 2026) == 4052  # what calls a method needs its instance
