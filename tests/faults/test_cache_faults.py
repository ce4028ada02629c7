"""A server that is stopped, killed or frozen: applications go on, operators are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig, Secret
from tests.conftest import Perfctl
from tests.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.servers


def config_of(server: RedisServer) -> CacheConfig:
    """How to reach it, with patience for a loaded machine."""
    return CacheConfig(redis_host="127.0.0.1", redis_port=server.port, timeout_seconds=2, patience_seconds=2)


def environment_of(server: RedisServer) -> dict[str, str]:
    """The same for a command."""
    return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that is gone after the test, whatever happened to it."""
    with redis_server(tmp_path) as made:
        yield made


async def live(cache: AdvancedCache, rounds: int) -> None:
    """What an application does; every answer is one that it may get."""
    for number in range(rounds):
        assert await cache.get("there") in (None, "value")
        assert await cache.get_or_set(f"computed {number}", lambda: "fresh") == "fresh"
        await cache.set("written", number)
        assert await cache.get("written") == number
        await cache.delete("written")


async def caught_up(cache: AdvancedCache) -> None:
    """Everything that was announced so far is heard: the mark that this process made itself, too, which it forgets
    until it reads it again. What is written is announced in order."""
    backplane, name = cache.works.backplane, cache.layout.of("announced", None)
    assert backplane is not None
    async with asyncio.timeout(60):
        while not backplane.is_verified:
            await asyncio.sleep(0.01)
        await cache.set("announced", 1)
        while (entry := cache.local.entries.get(name)) is not None and entry.own:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("fault", ["freeze", "kill"])
def test_an_application_goes_on_and_is_warned_once(
    server: RedisServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        async with AdvancedCache(config_of(server)) as cache:
            await cache.set("there", "value")
            await live(cache, 3)
            await caught_up(cache)
            await live(cache, 3)
            getattr(server, fault)()
            await live(cache, 30)

    with caplog.at_level(logging.WARNING, "perfctl.cache"):
        asyncio.run(scene())
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert warnings[0].startswith("the cache goes on without Redis:")


def test_a_plain_function_goes_on_too(server: RedisServer) -> None:
    cache = AdvancedCache(config_of(server))

    @cache.cache_decorator()
    def double(number: int) -> int:
        return number * 2

    assert double(1) == 2
    server.freeze()
    assert [double(number) for number in range(20)] == [number * 2 for number in range(20)]


def test_it_finds_the_server_again(server: RedisServer) -> None:
    async def scene() -> None:
        async with AdvancedCache(config_of(server)) as cache:
            await cache.set("a", 1)
            server.freeze()
            assert await cache.get("b") is None
            server.thaw()
            await _until_written(cache, "b")
            server.kill()
            await cache.get("c")
            server.start()
            await _until_written(cache, "c")

    asyncio.run(scene())


async def _until_written(cache: AdvancedCache, key: str) -> None:
    async with asyncio.timeout(30):
        while not await cache.set(key, 1):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", ["freeze", "kill"])
@pytest.mark.parametrize("words", ["get a", "set a 1", "delete a", "clear n --yes", "preload -", "stats"])
def test_an_operator_is_told(server: RedisServer, perfctl: Perfctl, fault: str, words: str) -> None:
    getattr(server, fault)()
    said = perfctl(
        "cache", *words.split(), "--timeout", "200ms", env=environment_of(server), input='{"key": "a", "value": 1}\n'
    )
    assert (said.returncode, said.stdout) == (5, "")
    assert f"127.0.0.1:{server.port}" in said.stderr


def test_doctor_answers_without_a_server(server: RedisServer, perfctl: Perfctl) -> None:
    server.kill()
    said = perfctl("cache", "doctor", env=environment_of(server))
    assert said.returncode == 1
    assert "cannot reach Redis" in said.stdout


def test_a_password_that_changed_is_looked_up_again_at_the_next_connection(server: RedisServer, tmp_path: Path) -> None:
    file = tmp_path / "password"

    async def change(client: Any, new: str) -> None:
        await client.execute_command("CONFIG", "SET", "requirepass", new)
        file.write_text(new + "\n")

    async def scene() -> None:
        async with redis.asyncio.Redis(port=server.port, protocol=2) as admin:
            await change(admin, "first")
            config = replace(config_of(server), redis_password=Secret("file", str(file)))
            async with AdvancedCache(config) as cache:
                assert await cache.set("a", 1)
                await change(admin, "second")
                await admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                assert (await cache.operator.get("a")).value == 1

    asyncio.run(scene())
