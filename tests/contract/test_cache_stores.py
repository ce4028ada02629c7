"""Every Store keeps the same promises: Redis alone, as a cluster and behind sentinels, and the twin in memory."""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from perfctl.cache.address import Address, address_of
from perfctl.cache.memory import MemoryStore
from perfctl.cache.model import ServerFacts
from perfctl.cache.store import ABSENT, SINCE, Dated, Fetched, Message, Store, Write
from perfctl.cache.values.header import write_header
from perfctl.cache.values.meta import Meta
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
        *(
            pytest.param(f"{kind} RESP{protocol}", marks=[pytest.mark.servers, pytest.mark.xdist_group(kind)])
            for kind in SERVERS
            for protocol in (2, 3)
        ),
    ]
)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask a store of this kind, under a prefix that nobody else uses, and delete what was written there."""
    kind: str = request.param

    def store() -> Store:
        if kind == "memory":
            return MemoryStore()
        from perfctl.cache.redis import RedisStore

        place, _, protocol = kind.partition(" RESP")
        sandbox: RunningSandbox = request.getfixturevalue(SERVERS[place])
        return RedisStore(address_of(replace(config_of(place, sandbox.environment), protocol=int(protocol))))

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


def test_blobs_are_fetched_alone_and_together_in_the_order_asked(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        writes = [Write(prefix + b"%d" % number, b"blob %d" % number, 60_000) for number in range(200)]
        await asyncio.gather(*[store.put(write) for write in writes[:100]])
        assert await store.put_many(writes[100:]) == []
        await store.count(prefix + b"hash", {b"hits": 1}, since=5)
        names = [write.name for write in writes] + [prefix + b"absent", prefix + b"hash"]
        blobs = [write.blob for write in writes] + [None, None]
        assert await asyncio.gather(*[store.fetch(name) for name in names]) == blobs
        assert await store.get_many(names) == blobs
        assert await store.get_many([]) == []

    ask(question)


def test_within_one_tick_the_last_write_to_a_name_wins(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        name = prefix + b"a"
        await asyncio.gather(*[store.put(Write(name, b"%d" % number, None)) for number in range(100)])
        assert await store.fetch(name) == b"99"
        await asyncio.gather(store.put(Write(name, b"x", None)), store.remove([name]))
        assert await store.fetch(name) is None
        await asyncio.gather(store.remove([name]), store.put(Write(name, b"y", None)))
        assert await store.fetch(name) == b"y"

    ask(question)


def test_a_caller_who_leaves_disturbs_no_other(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        names = [prefix + b"%d" % number for number in range(100)]
        await store.put_many([Write(name, name, None) for name in names])
        for delay in (0.0, 0.0005):
            callers = [asyncio.create_task(store.fetch(name)) for name in names]
            await asyncio.sleep(delay)
            for caller in callers[::2]:
                caller.cancel()
            assert await asyncio.gather(*callers[1::2]) == names[1::2]
            await asyncio.gather(*callers[::2], return_exceptions=True)

    ask(question)


def test_heads_lives_and_presence_are_told_of_each(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        names = [prefix + name for name in (b"long", b"short", b"ever", b"absent", b"hash")]
        writes = [Write(names[0], b"x" * 500, 60_000), Write(names[1], b"ab", 60_000), Write(names[2], b"c", None)]
        await store.put_many(writes)
        await store.count(names[4], {b"hits": 1}, since=5)
        assert await store.heads(names, 3) == [b"xxx", b"ab", b"c", None, None]
        assert await store.exists(names) == [True, True, True, False, True]
        first, second, *rest = await store.ttls(names)
        assert first is not None
        assert second is not None
        assert 30_000 < min(first, second) <= max(first, second) <= 60_000
        assert rest == [None, ABSENT, None]

    ask(question)


def test_a_touch_gives_a_new_life(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        names = [prefix + b"a", prefix + b"b", prefix + b"absent"]
        await store.put_many([Write(names[0], b"1", 1000), Write(names[1], b"2", None)])
        assert await store.touch(names, 60_000) == 2
        assert all(ttl_ms is not None and 30_000 < ttl_ms <= 60_000 for ttl_ms in (await store.ttls(names))[:2])
        assert await store.touch(names, None) == 2
        assert await store.ttls(names) == [None, None, ABSENT]

    ask(question)


def test_a_lock_has_one_holder_who_may_keep_and_free_it(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        name = prefix + b"lock"
        assert await store.take(name, b"mine", 60_000)
        assert not await store.take(name, b"theirs", 60_000)
        assert not await store.keep(name, b"theirs", 90_000)
        assert await store.keep(name, b"mine", 90_000)
        (ttl_ms,) = await store.ttls([name])
        assert ttl_ms is not None
        assert ttl_ms > 70_000
        assert not await store.release(name, b"theirs")
        assert await store.release(name, b"mine")
        assert not await store.release(name, b"mine")
        assert await store.take(name, b"theirs", 1)
        await asyncio.sleep(0.05)
        assert await store.take(name, b"mine", None)
        assert await store.ttls([name]) == [None]

    ask(question)


def test_who_listens_hears_messages_and_freed_locks(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        ear = await store.listen([prefix + b"channel", prefix + b"lock"])
        try:
            await store.publish(prefix + b"channel", b"\x00hello")
            assert await ear.next() == Message(prefix + b"channel", b"\x00hello")
            await store.take(prefix + b"lock", b"t", 60_000)
            await store.release(prefix + b"lock", b"t")
            assert await ear.next() == Message(prefix + b"lock", prefix + b"lock")
        finally:
            await ear.close()

    ask(question)


def test_a_late_write_replaces_only_what_is_older(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        now = 1_800_000_000_000
        names = [prefix + name for name in (b"older", b"same", b"newer", b"foreign", b"absent")]
        made = [now - 1, now, now + 1]
        blobs = [write_header(0, Meta(moment, None), 0) for moment in made] + [b"what others wrote"]
        await store.put_many([Write(name, blob, None) for name, blob in zip(names, blobs, strict=False)])
        blob = write_header(0, Meta(now, None, version=7), 0)
        late = [Dated(Write(name, blob, 60_000), now) for name in names]
        assert await store.put_newest(late) == [True, False, False, True, True]
        assert await store.get_many(names) == [blob, blobs[1], blobs[2], blob, blob]
        assert (await store.ttls(names))[1:3] == [None, None]

    ask(question)


def test_a_blob_takes_the_place_of_the_one_that_was_read_alone(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        names = [prefix + name for name in (b"same", b"other", b"absent")]
        old = write_header(0, Meta(1_800_000_000_000, None), 4) + b"body" + b"sum1"
        other = old[:-4] + b"sum2"
        await store.put_many([Write(names[0], old, None), Write(names[1], other, None)])
        swapped = [await store.swap(Write(name, b"new", 60_000), old) for name in names]
        assert swapped == [True, False, False]
        assert await store.get_many(names) == [b"new", other, None]
        lives = await store.ttls(names[:2])
        assert lives[0] is not None
        assert 0 < lives[0] <= 60_000
        assert lives[1] is None

    ask(question)


def test_names_are_found_by_a_pattern(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.put_many([Write(prefix + name, b"", None) for name in (b"a1", b"a2", b"b1", b"a-", b"a1x")])
        found = {name async for names in store.scan(b"", pattern=prefix + b"a[0-9]") for name in names}
        assert found == {prefix + b"a1", prefix + b"a2"}

    ask(question)


def test_keys_are_drawn_and_described(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        await store.put_many([Write(prefix + b"%d" % number, b"x" * 100, 60_000) for number in range(50)])
        await store.count(prefix + b"hash", {b"hits": 1}, since=5)
        drawn = await store.sample(500, pattern=prefix + b"*")
        assert len({facts.name for facts in drawn}) == len(drawn) > 0
        string, hashed, absent = await store.describe([prefix + b"1", prefix + b"hash", prefix + b"absent"])
        assert absent is None
        assert string is not None
        assert hashed is not None
        assert (string.kind, hashed.kind, hashed.ttl_ms) == ("string", "hash", None)
        assert string.ttl_ms is not None

    ask(question)


def test_every_node_tells_of_itself(ask: Ask) -> None:
    async def question(store: Store, prefix: bytes) -> None:
        nodes = await store.nodes()
        assert list(await store.info("server")) == nodes
        assert list(await store.clients()) == nodes
        assert list(await store.config("maxmemory-policy")) == nodes
        assert all(call.node in nodes for call in await store.slowlog(5))
        assert store.place(prefix) in nodes
        assert abs(await store.server_time_us() / 1e6 - time.time()) < 60

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


@pytest.mark.servers
@pytest.mark.xdist_group("cluster")
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_cluster_whose_slots_moved_is_followed(cluster_sandbox: RunningSandbox, protocol: int) -> None:
    """As after a failover or a move of slots: every node that is asked names another one (MOVED)."""
    from perfctl.cache.redis import RedisStore

    async def run() -> None:
        address = address_of(replace(config_of("cluster", cluster_sandbox.environment), protocol=protocol))
        store = RedisStore(address)
        names = [b"moved:%d" % number for number in range(300)]
        await store.put_many([Write(name, name, 60_000) for name in names])
        topology: Any = store._routes._topology()
        primaries = topology.primaries()
        for way in range(3):
            topology._slots = [primaries[way % len(primaries)]] * len(topology._slots)
            if way == 0:
                assert await store.get_many(names) == names
            elif way == 1:
                assert await asyncio.gather(*[store.fetch(name) for name in names]) == names
            else:
                assert await store.put_many([Write(name, b"new", 60_000) for name in names]) == []
                assert await store.remove(names) == 300
        await store.close()

    asyncio.run(run())


@pytest.mark.servers
@pytest.mark.xdist_group("cluster")
def test_a_slot_on_its_way_is_asked_for_where_it_goes(cluster_sandbox: RunningSandbox) -> None:
    """ASK: what is not on the old node any more is on the new one, which must be told ASKING."""
    from redis.crc import key_slot

    from perfctl.cache.redis import RedisStore

    async def run() -> None:
        store = RedisStore(address_of(config_of("cluster", cluster_sandbox.environment)))
        name = b"asked:1"
        slot = key_slot(name)
        await store.remove([name])
        source = store.place(name)
        assert source is not None
        target = next(node for node in await store.nodes() if node != source)
        old, new = await store.line(source), await store.line(target)
        old_id, new_id = await old.ask("CLUSTER", "MYID"), await new.ask("CLUSTER", "MYID")
        await new.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", old_id)
        await old.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", new_id)
        try:
            assert await store.fetch(name) is None
            await store.put(Write(name, b"1", 60_000))
            assert await store.fetch(name) == b"1"
            assert await store.get_many([name, b"elsewhere"]) == [b"1", None]
            assert await old.ask("CLUSTER", "COUNTKEYSINSLOT", slot) == 0
            assert await store.remove([name]) == 1
        finally:
            await old.ask("CLUSTER", "SETSLOT", slot, "STABLE")
            await new.ask("CLUSTER", "SETSLOT", slot, "STABLE")
            await old.close()
            await new.close()
            await store.close()

    asyncio.run(run())
