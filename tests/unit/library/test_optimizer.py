"""PerformanceOptimizer without a server: what is off, what works in the process, what limits are handed on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfctl import CacheConfig, CDNConfig, ConfigError, DatabaseConfig, PerformanceOptimizer
from perfctl.config import Settings


def test_without_a_configuration_the_cache_works_within_the_process() -> None:
    async def kept() -> object:
        async with PerformanceOptimizer() as optimizer:
            await optimizer.cache.set("k", {"a": 1})
            return await optimizer.cache.get("k")

    assert asyncio.run(kept()) == {"a": 1}


@pytest.mark.parametrize(("engine", "setting"), [("cdn", "cdn.distribution_id"), ("database", "database.dsn")])
def test_an_engine_without_its_configuration_is_off_and_says_what_to_set(engine: str, setting: str) -> None:
    with pytest.raises(ConfigError, match=f"the {engine} is not configured") as caught:
        getattr(PerformanceOptimizer(), engine)
    assert setting in (caught.value.hint or "")


def test_an_engine_with_its_configuration_is_built_once() -> None:
    optimizer = PerformanceOptimizer(
        cdn_config=CDNConfig(), database_config=DatabaseConfig(host="localhost"), cache_config=CacheConfig()
    )
    assert optimizer.cdn is optimizer.cdn
    assert optimizer.database is optimizer.database
    assert optimizer.cache is optimizer.cache


def test_the_decorator_works_before_the_optimizer_is_entered_on_both_kinds_of_function() -> None:
    optimizer = PerformanceOptimizer()
    calls: list[object] = []

    @optimizer.cache_decorator(ttl=60)
    def plain(number: int) -> int:
        calls.append(number)
        return number + 1

    @optimizer.cache_decorator(ttl=60)
    async def asynchronous(number: int) -> int:
        calls.append(number)
        return number + 2

    assert [plain(1), plain(1)] == [2, 2]
    assert [asyncio.run(asynchronous(1)), asyncio.run(asynchronous(1))] == [3, 3]
    assert calls == [1, 1]


def test_the_hit_rate_is_an_attribute_of_the_cache_metrics() -> None:
    optimizer = PerformanceOptimizer()
    optimizer.sync.cache.set("k", 1)
    assert [optimizer.sync.cache.get("k"), optimizer.sync.cache.get("absent")] == [1, None]
    assert optimizer.get_cache_metrics().hit_rate == 0.5
    assert optimizer.get_performance_metrics().cache_hit_rate == 0.5


def test_metrics_without_servers_say_what_is_not_configured() -> None:
    unmeasured = PerformanceOptimizer().get_performance_metrics().unmeasured
    assert unmeasured["database_query_time_ms"].startswith("the database is not configured")
    assert "memory_usage_mb" not in unmeasured


def test_a_limit_for_each_call_is_handed_to_every_engine() -> None:
    optimizer = PerformanceOptimizer(
        cdn_config=CDNConfig(distribution_id="E1"), database_config=DatabaseConfig(host="h"), timeout_seconds=0.25
    )
    assert optimizer.cache.config.timeout_seconds == 0.25
    assert optimizer.cdn.config.timeout_seconds == 0.25


def test_inside_a_loop_the_synchronous_names_refuse() -> None:
    async def inside() -> None:
        PerformanceOptimizer().sync.cache.get("k")

    with pytest.raises(Exception, match=r"optimizer\.sync\.cache\.get blocks, and this thread runs an event loop"):
        asyncio.run(inside())


def test_what_was_used_through_sync_may_be_entered_by_a_loop() -> None:
    optimizer = PerformanceOptimizer()
    optimizer.sync.cache.set("k", 1)

    async def entered() -> object:
        async with optimizer:
            return await optimizer.cache.get("k")

    assert asyncio.run(entered()) == 1


def test_a_script_that_never_closes_ends_quietly() -> None:
    script = """
        from perfctl import PerformanceOptimizer

        optimizer = PerformanceOptimizer()
        optimizer.sync.cache.set("k", 1)
        print(optimizer.sync.cache.get("k"))
    """
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"PATH": os.environ["PATH"]},
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "1\n", "")


def test_threads_that_come_at_once_get_one_engine() -> None:
    optimizer = PerformanceOptimizer()
    with ThreadPoolExecutor(16) as threads:
        caches = set(threads.map(lambda _: id(optimizer.cache), range(64)))
    assert len(caches) == 1


def test_a_loop_that_ended_without_leaving_is_home_no_more() -> None:
    optimizer = PerformanceOptimizer()
    asyncio.run(optimizer.__aenter__())
    optimizer.sync.cache.set("k", 1)
    assert optimizer.sync.cache.get("k") == 1


def test_a_configuration_file_describes_the_engines_of_each_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in os.environ:
        if name.startswith(("PERFCTL", "REDIS", "DB_", "CDN_", "CLOUDFRONT", "PG", "DATABASE_URL", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "perfctl.yaml"
    path.write_text(
        """
cache: {ttl_seconds: 60}
contexts:
  staging:
    cache: {ttl_seconds: 5}
    database: {host: db.staging.internal, database: app}
"""
    )
    base, staging = PerformanceOptimizer.from_file(path), PerformanceOptimizer.from_file(str(path), "staging")
    assert (base.cache.config.ttl_seconds, base.has_database) == (60, False)
    assert (staging.cache.config.ttl_seconds, staging.has_database) == (5, True)
    assert staging.settings.context == "staging"


def test_a_configuration_given_by_itself_goes_before_that_of_the_settings() -> None:
    settings = Settings(cache=CacheConfig(ttl_seconds=5), cdn=CDNConfig(distribution_id="E1"))
    optimizer = PerformanceOptimizer(settings=settings, cache_config=CacheConfig(ttl_seconds=9))
    assert (optimizer.cache.config.ttl_seconds, optimizer.has_cdn) == (9, True)


def test_an_engine_that_fails_to_close_does_not_keep_the_others_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    optimizer = PerformanceOptimizer(cdn_config=CDNConfig(), database_config=DatabaseConfig(host="localhost"))

    async def fails() -> None:
        raise OSError("in use")

    async def closes() -> None:
        closed.append("closed")

    monkeypatch.setattr(optimizer.cache, "close", closes)
    monkeypatch.setattr(optimizer.database, "close", fails)
    monkeypatch.setattr(optimizer.cdn, "close", closes)
    with pytest.raises(OSError, match="in use"):
        asyncio.run(optimizer.close())
    assert closed == ["closed", "closed"]
