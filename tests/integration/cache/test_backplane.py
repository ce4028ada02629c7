"""The backplane on real servers: what others write is heard, what cannot be heard is said."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from perfctl.bridge import portal
from perfctl.cache.address import address_of
from perfctl.cache.coherence.backplane import Backplane
from perfctl.cache.keys import KeyLayout
from perfctl.cache.redis import RedisStore
from perfctl.cache.store import Write
from perfctl.config import CacheConfig
from perfctl.config.settings import BackplaneMode
from tests.conftest import RunningSandbox
from tests.contract.test_cache_stores import config_of as config_of_kind
from tests.redis_server import PRODUCTS, RawClient, RedisServer, redis_server

pytestmark = pytest.mark.servers

LAYOUT = KeyLayout("perfctl")
NAME = LAYOUT.of("a", "api")


class Notes:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.names: list[bytes] = []
        self.everything = 0
        self.is_verified = False
        self.locks: list[bytes] = []

    def changed(self, names: Sequence[bytes]) -> None:
        self.names += [name for name in names if b"~canary" not in name]

    def everything_changed(self) -> None:
        self.everything += 1

    def verified(self, is_verified: bool) -> None:
        self.is_verified = is_verified

    def woken(self, lock: bytes) -> None:
        self.locks.append(lock)


class Ears:
    """A backplane with its notes, as one process has it."""

    def __init__(self, config: CacheConfig, mode: BackplaneMode = "auto") -> None:
        self.notes = Notes()
        self.store = RedisStore(address_of(config))
        self.backplane = Backplane(
            mode,
            self.store,
            LAYOUT,
            self.notes,
            protocol=config.protocol,
            prefixes=lambda: [LAYOUT.namespace("api")],
        )
        self.backplane.start()

    def stop(self) -> None:
        asyncio.run(self.backplane.stop())
        asyncio.run(self.store.close())


@pytest.fixture
def ears() -> Iterator[Callable[..., Ears]]:
    """Make ears that are stopped after the test."""
    made: list[Ears] = []

    def make(config: CacheConfig, mode: BackplaneMode = "auto") -> Ears:
        made.append(Ears(config, mode))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def config_of(server: RedisServer, **more: object) -> CacheConfig:
    return CacheConfig(redis_host="127.0.0.1", redis_port=server.port, **more)  # type: ignore[arg-type]


def until(what: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.005)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("mode", ["tracking", "pubsub"])
def test_what_another_process_writes_is_heard(
    tmp_path: Path, ears: Callable[..., Ears], product: str, protocol: int, mode: BackplaneMode
) -> None:
    with redis_server(tmp_path, product) as server:
        here, there = (ears(config_of(server, protocol=protocol), mode) for _ in range(2))
        until(lambda: here.notes.is_verified and there.notes.is_verified)
        assert here.backplane.mode == mode
        server.call("SET", NAME, "1")
        there.backplane.announce([NAME])
        until(lambda: NAME in here.notes.names)
        assert here.notes.everything == 1


def test_whoever_flushes_the_server_is_heard(tmp_path: Path, ears: Callable[..., Ears]) -> None:
    with redis_server(tmp_path) as server:
        here = ears(config_of(server))
        until(lambda: here.notes.is_verified)
        server.call("FLUSHALL")
        until(lambda: here.notes.everything >= 2)


def test_a_user_who_may_not_call_client_is_told_by_messages(tmp_path: Path, ears: Callable[..., Ears]) -> None:
    with redis_server(tmp_path) as server:
        server.call("ACL", "SETUSER", "app", "on", ">secret", "~perfctl:*", "&*", "+@all", "-client")
        config = config_of(server, redis_username="app", redis_password="secret")
        here, there = ears(config), ears(config)
        until(lambda: here.notes.is_verified and there.notes.is_verified)
        assert here.backplane.mode == "pubsub"
        there.backplane.announce([NAME])
        until(lambda: here.notes.names == [NAME])
        assert there.notes.names == []
        server.call("PUBLISH", here.backplane.wakes, "lock")
        until(lambda: here.notes.locks == [b"lock"])


def test_a_user_of_one_namespace_without_channels_tracks(tmp_path: Path, ears: Callable[..., Ears]) -> None:
    with redis_server(tmp_path) as server:
        server.call("ACL", "SETUSER", "app", "on", ">secret", "~perfctl:api:*", "resetchannels", "+@all")
        here = ears(config_of(server, redis_username="app", redis_password="secret"))
        until(lambda: here.notes.is_verified)
        assert here.backplane.mode == "tracking"
        server.call("SET", NAME, "1")
        until(lambda: NAME in here.notes.names)


def test_where_nothing_may_be_heard_there_is_one_warning(
    tmp_path: Path, ears: Callable[..., Ears], caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server(tmp_path) as server, caplog.at_level(logging.WARNING, "perfctl.cache"):
        server.call(
            "ACL", "SETUSER", "app", "on", ">secret", "~perfctl:*", "resetchannels", "+@all", "-client", "-subscribe"
        )
        here = ears(config_of(server, redis_username="app", redis_password="secret"))
        until(lambda: caplog.records)
        time.sleep(1)
        assert not here.notes.is_verified
    (record,) = caplog.records
    assert "backplane" in record.getMessage()


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_frozen_server_is_noticed_and_heard_again(tmp_path: Path, ears: Callable[..., Ears], protocol: int) -> None:
    with redis_server(tmp_path) as server:
        here = ears(config_of(server, protocol=protocol))
        until(lambda: here.notes.is_verified)
        server.freeze()
        since = time.monotonic()
        until(lambda: not here.notes.is_verified)
        assert time.monotonic() - since < 5
        lost = here.notes.everything
        assert lost >= 2
        server.thaw()
        until(lambda: here.notes.is_verified)
        assert here.notes.everything > lost


def test_a_server_that_was_killed_is_heard_again(tmp_path: Path, ears: Callable[..., Ears]) -> None:
    with redis_server(tmp_path) as server:
        here = ears(config_of(server))
        until(lambda: here.notes.is_verified)
        server.kill()
        until(lambda: not here.notes.is_verified)
        time.sleep(0.5)
        server.start()
        until(lambda: here.notes.is_verified)
        server.call("SET", NAME, "1")
        until(lambda: NAME in here.notes.names)


def test_announcements_wait_for_a_server_that_is_away(tmp_path: Path, ears: Callable[..., Ears]) -> None:
    with redis_server(tmp_path) as server:
        here, there = ears(config_of(server), "pubsub"), ears(config_of(server), "pubsub")
        until(lambda: here.notes.is_verified and there.notes.is_verified)
        server.kill()
        until(lambda: not there.notes.is_verified)
        there.backplane.announce([NAME])
        server.start()
        until(lambda: here.notes.is_verified and there.notes.is_verified)
        there.backplane.announce([])
        until(lambda: NAME in here.notes.names or here.notes.everything > 2)


@pytest.mark.xdist_group("cluster")
@pytest.mark.parametrize("mode", ["tracking", "pubsub"])
def test_every_node_of_a_cluster_is_heard_and_again_after_a_failover(
    cluster_sandbox: RunningSandbox, ears: Callable[..., Ears], mode: BackplaneMode
) -> None:
    config = config_of_kind("cluster", cluster_sandbox.environment)
    here, there = ears(config, mode), ears(config, mode)
    until(lambda: here.notes.is_verified and there.notes.is_verified)

    async def write(names: Sequence[bytes]) -> None:
        store = RedisStore(address_of(config))
        await store.set_many([Write(name, b"1", 60_000) for name in names])
        there.backplane.announce(names)
        await store.close()

    first = [LAYOUT.of(f"first {number}", "api") for number in range(30)]
    asyncio.run(write(first))
    until(lambda: set(first) <= set(here.notes.names))
    everything = here.notes.everything
    nodes = asyncio.run(fail_over(config))
    until(lambda: here.notes.everything > everything + 1 or mode == "pubsub", 30)
    until(lambda: here.notes.is_verified and there.notes.is_verified, 30)
    second = [LAYOUT.of(f"second {number}", "api") for number in range(30)]
    asyncio.run(write(second))
    until(lambda: set(second) <= set(here.notes.names))
    assert nodes


async def fail_over(config: CacheConfig) -> list[str]:
    """Have a replica of each primary of a cluster take over; the primaries before."""
    store = RedisStore(address_of(config))
    before = await store.nodes(anew=True)
    line = await store.line(before[0])
    for _first, _last, _primary, *replicas in await line.ask("CLUSTER", "SLOTS"):
        host, port = replicas[0][0].decode(), replicas[0][1]
        replica = await store.line(f"{host}:{port}")
        await replica.ask("CLUSTER", "FAILOVER")
        await replica.close()
        break
    await line.close()
    while await store.nodes(anew=True) == before:
        await asyncio.sleep(0.05)
    await store.close()
    return before


@pytest.mark.xdist_group("sentinel")
def test_the_primary_that_sentinels_name_is_heard_and_again_after_a_failover(
    sentinel_sandbox: RunningSandbox, ears: Callable[..., Ears]
) -> None:
    config = config_of_kind("sentinel", sentinel_sandbox.environment)
    here = ears(config)
    until(lambda: here.notes.is_verified)
    everything = here.notes.everything

    async def promote() -> None:
        store = RedisStore(address_of(config))
        (before,) = await store.nodes(anew=True)
        host, _, port = config.sentinel_nodes[0].rpartition(":")
        sentinel = RawClient(int(port), host, sentinel_sandbox.environment["REDIS_PASSWORD"])
        sentinel.call("SENTINEL", "FAILOVER", config.sentinel_service)
        sentinel.close()
        while (await store.nodes(anew=True))[0] == before:
            await asyncio.sleep(0.1)
        await store.set(Write(NAME, b"1", 60_000))
        await store.close()

    asyncio.run(promote())
    until(lambda: here.notes.everything > everything + 1, 30)
    until(lambda: here.notes.is_verified, 30)


def test_a_forked_child_hears_by_a_connection_of_its_own(tmp_path: Path, ears: Callable[..., Ears]) -> None:
    with redis_server(tmp_path) as server:
        here = ears(config_of(server))
        until(lambda: here.notes.is_verified)
        child = os.fork()
        if child == 0:
            failed = 1
            try:
                assert not here.notes.is_verified
                assert here.notes.everything == 2
                here.backplane.start()
                until(lambda: here.notes.is_verified)
                server.call("SET", NAME, "1")
                until(lambda: NAME in here.notes.names)
                failed = 0
            finally:
                os._exit(failed)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        until(lambda: NAME in here.notes.names)
        assert here.notes.is_verified


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_backplane_that_just_connects_is_stopped(tmp_path: Path, protocol: int) -> None:
    """In whichever turn of the loop: redis-py loses a cancellation that comes when a command was just sent."""
    with redis_server(tmp_path) as server:
        store = RedisStore(address_of(config_of(server, protocol=protocol)))

        async def scene() -> None:
            for turns in range(120):
                backplane = Backplane("tracking", store, LAYOUT, Notes(), protocol=protocol)
                backplane.start()
                for _ in range(turns):
                    await asyncio.sleep(0)
                stopping = asyncio.ensure_future(backplane.stop())
                await asyncio.wait([stopping], timeout=10)
                assert stopping.done(), f"stopped after {turns} turns, it goes on"
            await store.close()

        portal().run(scene)
