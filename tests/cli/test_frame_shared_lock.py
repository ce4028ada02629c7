"""The lock across hosts, on a real Valkey and on a twin that can be told to fail."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any

import pytest

from perfctl.cache.keys import KeyLayout
from perfctl.cli.shared_lock import shared_lock
from perfctl.errors import LockedError, UnreachableError
from tests.cli.conftest import Started


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """The test in an event loop of its own."""

    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


class Twin:
    """A Redis with one key, that may be down."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self.is_down = False
        self.names: set[str] = set()

    async def evaluate(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> Any:
        await asyncio.sleep(0)
        if self.is_down:
            raise UnreachableError("cannot reach the twin")
        token = str(arguments[0])
        self.names.update(names)
        if "'NX'" in script:
            self.holder, taken = self.holder or token, self.holder is None
            return taken
        if self.holder != token:
            return 0
        if "'del'" in script:
            self.holder = None
        return 1


@in_a_loop
async def test_a_lock_is_in_no_namespace_of_the_cache() -> None:
    server = Twin()
    async with shared_lock(server, "x"):
        assert [KeyLayout("perfctl").split(name.encode()) for name in server.names] == [None]


@in_a_loop
async def test_a_second_run_is_refused_until_the_first_has_ended() -> None:
    server = Twin()
    async with shared_lock(server, "x"):
        with pytest.raises(LockedError, match="redis:x"):
            async with shared_lock(server, "x"):
                pytest.fail("two hold the lock")
    async with shared_lock(server, "x"):
        pass
    assert server.holder is None


@in_a_loop
async def test_a_lock_that_another_took_over_is_not_freed() -> None:
    server = Twin()
    async with shared_lock(server, "x"):
        server.holder = "somebody else"
    assert server.holder == "somebody else"


@in_a_loop
async def test_a_lost_lock_stops_the_run() -> None:
    server = Twin()
    with pytest.raises(LockedError, match="was lost"):  # noqa: PT012 - the body is what is stopped
        async with shared_lock(server, "x", lease_seconds=0.06):
            server.holder = "somebody else"
            await asyncio.sleep(30)


@in_a_loop
async def test_a_server_that_is_away_for_less_than_the_lease_is_forgiven() -> None:
    server = Twin()
    async with shared_lock(server, "x", lease_seconds=0.3):
        server.is_down = True
        await asyncio.sleep(0.15)
        server.is_down = False
        await asyncio.sleep(0.4)
        assert server.holder is not None


@in_a_loop
async def test_a_server_that_stays_away_stops_the_run() -> None:
    server = Twin()
    with pytest.raises(LockedError, match="was lost"):  # noqa: PT012 - the body is what is stopped
        async with shared_lock(server, "x", lease_seconds=0.06):
            server.is_down = True
            await asyncio.sleep(30)


def test_without_a_redis_it_is_a_configuration_error_and_with_a_dead_one_unreachable(start: Started) -> None:
    run = start("frame", "rows", "1", "--lock", "redis:x")
    assert (run.communicate(timeout=60)[0], run.returncode) == ("", 3)
    run = start("frame", "rows", "1", "--lock", "redis:x", "--redis-url", "redis://127.0.0.1:1")
    assert (run.communicate(timeout=60)[0], run.returncode) == ("", 5)


@pytest.mark.servers
@pytest.mark.parametrize("command", ["wait", "nap"])
def test_runs_on_two_hosts_take_turns(command: str, sandbox: Any, start: Started, tmp_path: Any) -> None:
    from tests.cli.test_frame_lock import until

    env = {name: value for name, value in sandbox.environment.items() if name.startswith("REDIS")}
    line = ("frame", command, "2", "--lock", f"redis:frame-{os.getpid()}-{command}")
    first = start(*line, "--mark", str(tmp_path / "mark"), env=env)
    until(tmp_path / "mark.begun")
    second = start(*line, env={**env, "PERFCTL_STATE_DIR": str(tmp_path / "another host")})
    assert (second.communicate(timeout=60)[0], second.returncode) == ("", 8)
    assert (first.communicate(timeout=60)[1], first.returncode) == ("", 0)
    assert start(*line[:2], "0", *line[3:], env=env).wait(60) == 0
