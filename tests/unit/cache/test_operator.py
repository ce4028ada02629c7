"""The operator's side of the cache, on the in-memory store."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

import pytest

from perfctl.cache.keys import KeyLayout
from perfctl.cache.memory import MemoryStore
from perfctl.cache.operating.check import BIG_BYTES
from perfctl.cache.operating.life import Life, life_of
from perfctl.cache.operating.operator import CacheOperator, now_ms
from perfctl.cache.operating.rows import RowReader, read_calls
from perfctl.cache.operating.servers import slow_commands
from perfctl.cache.preloading.preload import BadEntry, Entry
from perfctl.cache.store import SlowCall, Write
from perfctl.cache.values.codec import Codec
from perfctl.cache.values.meta import Meta
from perfctl.config import CacheConfig
from perfctl.errors import UsageError


@pytest.fixture
def operator() -> CacheOperator:
    """An operator of a store in a dict."""
    config = CacheConfig(backplane="off")
    store, layout = MemoryStore(), KeyLayout("perfctl")
    return CacheOperator(store, layout, Codec(config, layout=layout, store=lambda: store), config=config)


def run(work: Any) -> Any:
    """Await something here."""
    return asyncio.run(work)


def test_looking_makes_no_mark(operator: CacheOperator) -> None:
    async def look() -> None:
        await operator.get("k", namespace="n")
        await operator.exists(["k"], namespace="n")
        await operator.ttl("k", namespace="n")
        await operator.inspect("k", namespace="n")
        await operator.stats()
        await operator.check()
        assert await operator.store.get(operator.layout.mark("n")) is None

    run(look())


def test_a_value_past_its_life_is_no_hit_and_says_its_reserve(operator: CacheOperator) -> None:
    async def look() -> None:
        name = operator.layout.of("k", "n")
        meta = Meta(now_ms() - 20_000, 10_000, await operator.version("n"))
        await operator.store.set(Write(name, operator.codec.encode(name, 1, meta, namespace="n"), 60_000))
        found = await operator.get("k", namespace="n")
        assert (found.found, found.reason, found.value) == (False, "stale", None)
        life = await operator.ttl("k", namespace="n")
        assert (life.found, 50 < (life.stale_seconds or 0) <= 60) == (False, True)
        assert (await operator.inspect("k", namespace="n")).state == "stale"
        assert not (await operator.touch("k", namespace="n")).found

    run(look())


def test_what_is_set_after_a_clear_is_found(operator: CacheOperator) -> None:
    async def work() -> None:
        await operator.set("k", 1, namespace="n")
        cleared = await operator.clear(await operator.measure("n"))
        assert (cleared.deleted, cleared.reclaimed) == (1, 1)
        await operator.set("k", 2, namespace="n")
        assert (await operator.get("k", namespace="n")).value == 2
        assert (await operator.measure("n")).keys == 1

    run(work())


def test_a_touch_keeps_tags_and_value(operator: CacheOperator) -> None:
    async def work() -> None:
        name = operator.layout.of("k", "n")
        tags = await operator.marks.tags(operator.marks.state("n"), ["eu"])
        meta = Meta(now_ms() - 5000, 10_000, await operator.version("n"), tags or ())
        await operator.store.set(Write(name, operator.codec.encode(name, {"a": 1}, meta, namespace="n"), 10_000))
        touched = await operator.touch("k", ttl=3600, namespace="n")
        assert (touched.found, touched.ttl_seconds) == (True, 3600)
        seen = await operator.inspect("k", namespace="n")
        assert (seen.value, [tag.tag for tag in seen.tags]) == ({"a": 1}, ["eu"])
        assert 3590 < (seen.ttl_seconds or 0) <= 3600

    run(work())


def test_a_clear_paced_by_a_rate_takes_its_time(operator: CacheOperator) -> None:
    async def work() -> float:
        await operator.preload([Entry(f"{n}", f"k{n}", n) for n in range(20)], namespace="n")
        from perfctl.cache.operating.clearing import clear_pattern, measure_pattern

        size = await measure_pattern(operator, "k*", namespace="n", is_raw=False)
        assert size.keys == 20
        started = time.monotonic()
        cleared = await clear_pattern(operator, size, "k*", is_raw=False, rate=100)
        assert cleared.deleted == 20
        return time.monotonic() - started

    assert run(work()) >= 0.15


def test_check_finds_what_never_expires_and_what_is_big(operator: CacheOperator) -> None:
    async def work() -> None:
        await operator.set("big", Random(1).randbytes(2 * BIG_BYTES), ttl=float("inf"), namespace="n")
        checks = {check.check: check.status for check in await operator.check("n")}
        assert checks["keys without a TTL"] == "fail"
        assert checks["value size"] == "warn"

    run(work())


def test_check_finds_values_that_cannot_be_decoded(operator: CacheOperator) -> None:
    async def work() -> None:
        for number in range(4):
            await operator.set(f"k{number}", number, namespace="n")
        assert "values" not in {check.check for check in await operator.check("n")}
        stored = await operator.store.get(operator.layout.of("k1", "n"))
        assert stored is not None
        await operator.store.set(Write(operator.layout.of("k2", "n"), stored.blob, 60_000))
        (found,) = [check for check in await operator.check("n") if check.check == "values"]
        assert (found.status, found.observed[:4]) == ("warn", "25.0")
        assert found.fix == "perfctl cache inspect k2 -n n says why"

    run(work())


@pytest.mark.parametrize(
    ("meta", "server_ms", "life"),
    [
        (Meta(1_600_000_000_000, 10_000), 60_000, Life(0, 60_000)),
        (Meta(1_700_000_000_000, 10_000), 60_000, Life(10_000, 50_000)),
        (Meta(1_700_000_000_000, 10_000), 9_900, Life(9_900, 0)),
        (Meta(1_700_000_000_000, 10_000), 10_500, Life(10_000, 0)),
        (Meta(1_700_000_000_000, None), None, Life(None, 0)),
        (Meta(1_600_000_000_000, 10_000, sliding=True), 60_000, Life(60_000, 0)),
        (Meta(1_577_836_800_000, None), 60_000, Life(60_000, 0)),
    ],
)
def test_a_life_is_the_values_own_and_the_servers_around_it(meta: Meta, server_ms: int | None, life: Life) -> None:
    assert life_of(meta, server_ms, 1_700_000_000_000) == life


def test_rows_become_entries_by_a_template() -> None:
    rows = [{"id": 1, "name": "Ada"}, {"id": None, "name": "Bo"}]
    assert list(RowReader("user:{id}").read(rows)) == [
        Entry("row 1", "user:1", {"id": 1, "name": "Ada"}),
        BadEntry("row 2", "column 'id' is NULL, and the key is made of it"),
    ]
    assert list(RowReader("{name:lower}", "id", start=7).read(rows[:1])) == [Entry("row 8", "ada", 1)]


@pytest.mark.parametrize(("template", "value"), [("user:{nam}", "row"), ("user:{id}", "nam"), ("user", "row")])
def test_a_column_that_is_not_there_is_named(template: str, value: str) -> None:
    with pytest.raises(UsageError):
        list(RowReader(template, value).read([{"id": 1, "name": "Ada"}]))


def test_calls_are_lists_objects_or_the_only_argument() -> None:
    lines = [b'["a", 1]\n', b"\n", b'{"symbol": "b"}\n', b'"c"\n']
    assert list(read_calls(lines, "f")) == [("a", 1), {"symbol": "b"}, ("c",)]
    assert list(read_calls(lines, "f", skip=2)) == [("c",)]
    with pytest.raises(UsageError, match=r"f:1: not JSON"):
        list(read_calls([b"nonsense"], "f"))


def test_a_slow_log_is_summed_up_by_command() -> None:
    calls = [
        SlowCall("n", 1_700_000_000, 5000, (b"KEYS", b"session:*")),
        SlowCall("n", 1_700_000_100, 9000, (b"keys", b"session:*")),
        SlowCall("n", 1_700_000_050, 7000, (b"GET", b"secret")),
    ]
    keys, get = slow_commands(calls)
    assert (keys.command, keys.calls, keys.slowest_ms, keys.last) == (
        "KEYS session:*",
        2,
        9.0,
        "2023-11-14T22:15:00+00:00",
    )
    assert get.command == "GET"
