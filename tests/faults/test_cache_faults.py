"""A server that is stopped, killed or frozen: applications go on, operators are told."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig, Secret
from perfctl.sandbox.valkey import find_server
from tests.conftest import Perfctl

pytestmark = pytest.mark.servers


class Server:
    """A Valkey of this test alone, which it may freeze and kill."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port: int = free.getsockname()[1]
        self._folder = folder
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(find_server()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self.process = subprocess.Popen([*command, str(self._folder)], stdout=subprocess.DEVNULL)
        for _ in range(1500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("the server does not start")

    def freeze(self) -> None:
        """It keeps its connections and says nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """It is gone, without a word."""
        self.process.kill()
        self.process.wait()

    @property
    def config(self) -> CacheConfig:
        """How to reach it, with patience for a loaded machine."""
        return CacheConfig(redis_host="127.0.0.1", redis_port=self.port, timeout_seconds=2, patience_seconds=2)

    @property
    def environment(self) -> dict[str, str]:
        """The same for a command."""
        return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.port)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that is gone after the test, whatever happened to it."""
    made = Server(tmp_path)
    yield made
    made.kill()


async def live(cache: AdvancedCache, rounds: int) -> None:
    """What an application does; every answer is one that it may get."""
    for number in range(rounds):
        assert await cache.get("there") in (None, "value")
        assert await cache.get_or_set(f"computed {number}", lambda: "fresh") == "fresh"
        await cache.set("written", number)
        assert await cache.get("written") == number
        await cache.delete("written")


@pytest.mark.parametrize("fault", ["freeze", "kill"])
def test_an_application_goes_on_and_is_warned_once(
    server: Server, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        async with AdvancedCache(server.config) as cache:
            await cache.set("there", "value")
            await live(cache, 3)
            getattr(server, fault)()
            await live(cache, 30)

    with caplog.at_level(logging.WARNING, "perfctl.cache"):
        asyncio.run(scene())
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert warnings[0].startswith("the cache goes on without Redis:")


def test_a_plain_function_goes_on_too(server: Server) -> None:
    cache = AdvancedCache(server.config)

    @cache.cache_decorator()
    def double(number: int) -> int:
        return number * 2

    assert double(1) == 2
    server.freeze()
    assert [double(number) for number in range(20)] == [number * 2 for number in range(20)]


def test_it_finds_the_server_again(server: Server) -> None:
    async def scene() -> None:
        async with AdvancedCache(server.config) as cache:
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
def test_an_operator_is_told(server: Server, perfctl: Perfctl, fault: str, words: str) -> None:
    getattr(server, fault)()
    said = perfctl(
        "cache", *words.split(), "--timeout", "200ms", env=server.environment, input='{"key": "a", "value": 1}\n'
    )
    assert (said.returncode, said.stdout) == (5, "")
    assert f"127.0.0.1:{server.port}" in said.stderr


def test_doctor_answers_without_a_server(server: Server, perfctl: Perfctl) -> None:
    server.kill()
    said = perfctl("cache", "doctor", env=server.environment)
    assert said.returncode == 1
    assert "cannot reach Redis" in said.stdout


def test_a_password_that_changed_is_looked_up_again_at_the_next_connection(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "password"

    async def change(client: Any, new: str) -> None:
        await client.execute_command("CONFIG", "SET", "requirepass", new)
        file.write_text(new + "\n")

    async def scene() -> None:
        async with redis.asyncio.Redis(port=server.port, protocol=2) as admin:
            await change(admin, "first")
            config = replace(server.config, redis_password=Secret("file", str(file)))
            async with AdvancedCache(config) as cache:
                assert await cache.set("a", 1)
                await change(admin, "second")
                await admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                assert (await cache.operator.get("a")).value == 1

    asyncio.run(scene())
