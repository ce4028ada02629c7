"""Users who may not do everything: what is forbidden is done without, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from contextlib import closing
from pathlib import Path

import pytest
import redis

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.redis import RedisStore
from perfctl.cache.store import Dated, Write
from perfctl.cache.values.meta import Meta
from perfctl.config import CacheConfig, Secret
from tests.redis_server import redis_server

pytestmark = pytest.mark.servers

RIGHTS = {
    "one namespace": ["~perfctl:api:*", "&perfctl:*", "+@all"],
    "no client": ["~perfctl:*", "&*", "+@all", "-client", "-config", "-hello"],
    "no scripts": ["~perfctl:*", "&*", "+@all", "-@scripting"],
}


@pytest.mark.parametrize("product", ["valkey", "redis"])
@pytest.mark.parametrize("rights", RIGHTS)
def test_what_is_forbidden_does_not_part_a_process_from_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, product: str, rights: str
) -> None:
    with redis_server(tmp_path, product) as server:
        with closing(redis.Redis(port=server.port)) as admin:
            admin.execute_command("ACL", "SETUSER", "app", "on", ">pw", *RIGHTS[rights])
        config = CacheConfig(
            redis_host="127.0.0.1",
            redis_port=server.port,
            redis_username="app",
            redis_password=Secret("literal", "pw"),
            patience_seconds=5,
        )
        with caplog.at_level(logging.WARNING, "perfctl.cache"):
            asyncio.run(_live(config))
        assert "goes on without Redis" not in caplog.text


async def _until_gone(cache: AdvancedCache) -> None:
    """It hears of what another one did."""
    async with asyncio.timeout(20):
        while await cache.get("key", namespace="api") is not None:
            await asyncio.sleep(0.01)


async def _live(config: CacheConfig) -> None:
    async with AdvancedCache(config) as first, AdvancedCache(config) as second:
        for cache in (first, second):
            await cache.get("first use", namespace="api")
            async with asyncio.timeout(20):
                while not cache.works.tiers.is_verified:
                    await asyncio.sleep(0.01)
        assert await first.get_or_set("computed", lambda: 1, namespace="api") == 1
        assert await second.get("computed", namespace="api") == 1
        assert await first.store.exists([first.layout.own("api", b"l:computed")]) == [False]
        await first.works.tell()
        assert await first.set("key", 1, namespace="api", tags=("tag",))
        assert await second.get("key", namespace="api") == 1
        assert await first.touch("key", 100, namespace="api")
        assert await first.clear("api", tag="tag")
        await _until_gone(second)
        assert await first.set("key", 2, namespace="api")
        assert await second.get("key", namespace="api") == 2
        assert await first.delete("key", namespace="api")
        await _until_gone(second)
        now_ms = first.works.tiers.now_ms
        name = first.layout.of("late", "api")
        blob = first.codec.encode(name, 3, Meta(now_ms, None, first.state("api").version), namespace="api")
        late = [Dated(Write(name, blob, 60_000), now_ms)]
        assert isinstance(first.store, RedisStore)
        assert await first.store.put_newest(late) == [True]
        assert await first.store.put_newest(late) == [False]
        assert await second.get("late", namespace="api") == 3
