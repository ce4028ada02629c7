"""Every Store keeps the same promises: Redis alone, as a cluster and behind sentinels, and the twin in memory."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from perfctl.cache.address import Address, address_of
from perfctl.cache.memory import MemoryStore
from perfctl.cache.model import ServerFacts
from perfctl.cache.store import SINCE, Fetched, Store, Write
from perfctl.config import CacheConfig
from perfctl.errors import AuthError, PerfctlError, ServiceError, TimedOutError, UnreachableError
from tests.conftest import RunningSandbox

Question = Callable[[Store, bytes], Awaitable[None]]
Ask = Callable[[Question], None]

SERVERS = {"standalone": "sandbox", "cluster": "cluster_sandbox", "sentinel": "sentinel_sandbox"}


def config_of(kind: str, environment: dict[str, str]) -> CacheConfig:
    """How the sandbox's servers are reached."""
    password = environment["REDIS_PASSWORD"]
    if kind == "cluster":
        nodes = tuple(environment["PERFCTL_CLUSTER_NODES"].split(","))
        return CacheConfig(cluster_enabled=True, cluster_nodes=nodes, redis_password=password)
    if kind == "sentinel":
        nodes = tuple(environment["PERFCTL_SENTINEL_NODES"].split(","))
        service = environment["PERFCTL_SENTINEL_SERVICE"]
        return CacheConfig(
            sentinel_enabled=True, sentinel_nodes=nodes, sentinel_service=service, redis_password=password
        )
    host, port = environment["REDIS_HOST"], int(environment["REDIS_PORT"])
    return CacheConfig(redis_host=host, redis_port=port, redis_password=password)


@pytest.fixture(
    params=[
        "memory",
        *(pytest.param(kind, marks=[pytest.mark.servers, pytest.mark.xdist_group(kind)]) for kind in SERVERS),
    ]
)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask a store of this kind, under a prefix that nobody else uses, and delete what was written there."""
    kind: str = request.param

    def store() -> Store:
        if kind == "memory":
            return MemoryStore()
        from perfctl.cache.redis import RedisStore

        sandbox: RunningSandbox = request.getfixturevalue(SERVERS[kind])
        return RedisStore(address_of(config_of(kind, sandbox.environment)))

    def run(question: Question) -> None:
        async def answer() -> None:
            asked, prefix = store(), b"contract:%s:" % uuid.uuid4().hex.encode()
            try:
                await question(asked, prefix)
            finally:
                async for names in asked.scan(prefix):
                    await asked.delete(names)
                await asked.close()

        asyncio.run(answer())

    return run


async def everything(store: Store, prefix: bytes) -> set[bytes]:
    """All names under a prefix."""
    return {name async for names in store.scan(prefix) for name in names}


def test_what_was_set_comes_back_with_its_remaining_life(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.set(Write(prefix + b"a", b"\x00\xffblob", 60_000))
        fetched = await store.get(prefix + b"a")
        assert fetched is not None
        assert fetched.blob == b"\x00\xffblob"
        assert fetched.ttl_ms is not None
        assert 30_000 < fetched.ttl_ms <= 60_000

    ask(question)


def test_without_a_life_it_stays(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.set(Write(prefix + b"a", b"1", 60_000))
        await store.set(Write(prefix + b"a", b"2", None))
        assert await store.get(prefix + b"a") == Fetched(b"2", None)

    ask(question)


def test_what_is_not_there_is_none(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        assert await store.get(prefix + b"absent") is None
        assert await store.delete([]) == 0
        assert await store.delete([prefix + b"absent"]) == 0
        assert await store.sizes([prefix + b"absent"]) == [None]
        assert await store.counters(prefix + b"absent") == {}

    ask(question)


def test_what_is_no_string_is_none(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.count(prefix + b"hash", {b"hits": 1}, since=5)
        assert await store.get(prefix + b"hash") is None

    ask(question)


def test_it_expires(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.set(Write(prefix + b"a", b"1", 1))
        await asyncio.sleep(0.05)
        assert await store.get(prefix + b"a") is None

    ask(question)


def test_a_batch_is_kept_whole_and_found_by_its_prefix_alone(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        writes = [Write(prefix + b"in*[x]:%d" % number, b"%d" % number, 60_000) for number in range(2500)]
        assert await store.set_many(writes) == []
        await store.set(Write(prefix + b"in-other", b"", None))
        assert await everything(store, prefix + b"in*[x]:") == {write.name for write in writes}
        assert await store.delete([write.name for write in writes[:1500]]) == 1500
        assert await everything(store, prefix + b"in*[x]:") == {write.name for write in writes[1500:]}

    ask(question)


def test_an_empty_batch_is_nothing_to_do(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        assert await store.set_many([]) == []

    ask(question)


def test_a_batch_of_big_values_is_kept_whole(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        writes = [Write(prefix + b"%d" % number, b"x" * 300_000, 60_000) for number in range(20)]
        assert await store.set_many(writes) == []
        assert await store.sizes([writes[19].name]) >= [300_000]

    ask(question)


def test_sizes_are_told_in_the_order_asked(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.set(Write(prefix + b"small", b"x", None))
        await store.set(Write(prefix + b"big", b"x" * 10_000, None))
        big, none, small = await store.sizes([prefix + b"big", prefix + b"none", prefix + b"small"])
        assert none is None
        assert big is not None
        assert small is not None
        assert big > 9_000 > 1_000 > small > 0

    ask(question)


def test_counters_add_up_and_remember_since_when(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.count(prefix + b"c", {b"hits": 2, b"misses": 1}, since=100)
        await store.count(prefix + b"c", {b"hits": 3}, since=200)
        assert await store.counters(prefix + b"c") == {SINCE: 100, b"hits": 5, b"misses": 1}

    ask(question)


def test_a_thousand_at_once_get_each_their_own_answer(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        names = [prefix + b"%d" % number for number in range(1000)]
        await store.set_many([Write(name, name, None) for name in names])
        fetched = await asyncio.gather(*[store.get(name) for name in names[:100]])
        assert fetched == [Fetched(name, None) for name in names[:100]]

    ask(question)


def test_it_answers_and_tells_of_itself(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.ping()
        facts = await store.facts()
        assert isinstance(facts, ServerFacts)
        assert facts.product
        assert "@" not in store.address or "mymaster@" in store.address

    ask(question)


def test_it_can_be_used_again_after_it_was_closed(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.set(Write(prefix + b"a", b"1", None))
        await store.close()
        assert await store.get(prefix + b"a") == Fetched(b"1", None)

    ask(question)


def error_of(address: Address, question: Callable[[Store], Awaitable[object]]) -> PerfctlError:
    """What a store at this address raises."""
    from perfctl.cache.redis import RedisStore

    async def answer() -> None:
        store = RedisStore(address)
        try:
            await question(store)
        finally:
            await store.close()

    with pytest.raises(PerfctlError) as failure:
        asyncio.run(answer())
    return failure.value


@pytest.mark.parametrize("kind", ["standalone", "cluster", "sentinel"])
def test_nobody_at_the_address_is_unreachable(kind: str) -> None:
    nothing = Address(mode=kind, nodes=(("127.0.0.1", 1),), timeout_seconds=0.5)  # type: ignore[arg-type]
    error = error_of(nothing, lambda store: store.get(b"a"))
    assert type(error) is UnreachableError
    assert "127.0.0.1:1" in error.message


def test_a_server_that_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = Address(mode="standalone", nodes=(("127.0.0.1", deaf.getsockname()[1]),), timeout_seconds=0.1)
        error = error_of(address, lambda store: store.get(b"a"))
    assert type(error) is TimedOutError
    assert "did not answer within 0.1 s" in error.message


@pytest.mark.servers
@pytest.mark.parametrize("password", [None, "not-the-password"])
def test_a_wrong_password_is_an_auth_error_that_does_not_show_it(sandbox: RunningSandbox, password: str | None) -> None:
    address = replace(address_of(config_of("standalone", sandbox.environment)), password=password)
    error = error_of(address, lambda store: store.get(b"a"))
    assert type(error) is AuthError
    assert "not-the-password" not in f"{error.message}{error.hint}"


@pytest.mark.servers
def test_a_database_that_is_not_there_is_refused(sandbox: RunningSandbox) -> None:
    address = replace(address_of(config_of("standalone", sandbox.environment)), database=9999)
    assert isinstance(error_of(address, lambda store: store.get(b"a")), ServiceError)


@pytest.mark.servers
def test_a_replica_refuses_writes_and_says_where_to_write(sentinel_sandbox: RunningSandbox) -> None:
    async def replica() -> Address:
        import redis.asyncio

        host, _, port = sentinel_sandbox.environment["PERFCTL_SENTINEL_NODES"].split(",")[0].partition(":")
        password = sentinel_sandbox.environment["REDIS_PASSWORD"]
        async with redis.asyncio.Redis(host=host, port=int(port), password=password, protocol=2) as sentinel:
            service = sentinel_sandbox.environment["PERFCTL_SENTINEL_SERVICE"]
            found = (await sentinel.sentinel_slaves(service))[0]
        return Address(mode="standalone", nodes=((found["ip"], found["port"]),), password=password)

    error = error_of(asyncio.run(replica()), lambda store: store.set(Write(b"contract:a", b"1", 1000)))
    assert type(error) is ServiceError
    assert "READONLY" in error.message or "read only" in error.message
    assert "primary" in (error.hint or "")
