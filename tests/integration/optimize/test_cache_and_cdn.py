"""Values that a dictionary would make smaller, and an edge that does not compress, are found; the first is mended."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from perfctl.cache.operating.training import listed
from perfctl.cdn.configuring.applying import asked_for
from perfctl.config import CacheConfig, Settings
from perfctl.config.settings import CDNConfig, DatabaseConfig
from perfctl.operations.optimizing import optimize, roll_back
from perfctl.optimizer import PerformanceOptimizer
from tests.cdn_edge import ACCESS_KEY_ID, DISTRIBUTION_ID, SECRET_ACCESS_KEY, local_edge
from tests.redis_server import RedisServer, free_port, redis_server

pytestmark = pytest.mark.servers

T = TypeVar("T")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


def asked(settings: Settings, ask: Callable[[PerformanceOptimizer], Awaitable[T]]) -> T:
    async def run() -> T:
        async with PerformanceOptimizer.from_settings(settings) as optimizer:
            return await ask(optimizer)

    return asyncio.run(run())


def order(number: int) -> dict[str, object]:
    return {
        "order_id": number,
        "customer": {"name": f"customer {number % 97}", "country": "Liechtenstein", "preferred": number % 2 == 0},
        "lines": [{"article": f"A-{number % 13}", "quantity": number % 7, "currency": "CHF", "status": "delivered"}],
    }


def test_a_dictionary_that_pays_is_found_trained_and_taken_back(redis: RedisServer) -> None:
    config = CacheConfig(redis_url=f"redis://127.0.0.1:{redis.port}/0", dictionaries=False)
    settings = Settings(cache=config)

    async def fill(optimizer: PerformanceOptimizer) -> None:
        await optimizer.cache.preload({f"o{n}": order(n) for n in range(400)}, namespace="orders")
        await optimizer.cache.preload({f"n{n}": n for n in range(400)}, namespace="numbers")

    async def current(optimizer: PerformanceOptimizer) -> list[str]:
        rows = (await listed(optimizer.cache.operator, "orders")).rows
        return [row.id for row in rows if row.is_current]

    asked(settings, fill)
    found = asked(settings, lambda optimizer: optimize(optimizer, only=("dictionaries",)))
    assert [(row.subject, row.command) for row in found.rows] == [("orders", "perfctl cache dict train orders")]
    assert found.rows[0].gain.value is not None
    assert asked(settings, current) == []

    applied = asked(settings, lambda optimizer: optimize(optimizer, apply=True, only=("dictionaries",)))
    assert (applied.applied, applied.failed) == (1, 0)
    left = next(each for each in applied.rows[0].measured if each.name == "left of a value")
    assert (left.after or 1.0) < 0.9 * (left.before or 0.0)
    assert len(asked(settings, current)) == 1
    assert asked(settings, lambda optimizer: optimize(optimizer, only=("dictionaries",))).rows == ()

    back = asked(settings, lambda optimizer: roll_back(optimizer, applied.run_id or ""))
    assert (back.undone, back.failed) == (1, 0)
    assert asked(settings, current) == []
    assert asked(settings, lambda optimizer: optimizer.cache.get("o7", namespace="orders")) == order(7)


def test_an_edge_that_does_not_compress_is_found_and_silent_engines_are_named(tmp_path: Path) -> None:
    with local_edge(tmp_path) as edge:
        cdn = CDNConfig(
            distribution_id=DISTRIBUTION_ID,
            endpoint_url=edge.control_url,
            edge_url=edge.edge_url,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
        )
        gone = DatabaseConfig(host="127.0.0.1", port=free_port(), database="a", username="a")
        settings = Settings(cdn=cdn, database=gone)

        def switched(text: str) -> Callable[[PerformanceOptimizer], Awaitable[bool]]:
            wanted = asked_for(DISTRIBUTION_ID, text, "-", replace=False)

            async def switch(optimizer: PerformanceOptimizer) -> bool:
                difference = await optimizer.cdn.config_difference(wanted)
                await optimizer.cdn.apply_config(wanted, difference)
                return difference.is_different

            return switch

        assert asked(settings, switched("DefaultCacheBehavior: {Compress: false}\n"))
        answer = asked(settings, lambda optimizer: optimize(optimizer))
        mends = next(row.command for row in answer.rows if row.id == "cdn_checks:cdn.compression:switch")
        assert asked(settings, switched(shlex.split(mends)[1]))
        mended = asked(settings, lambda optimizer: optimize(optimizer, only=("cdn_checks",)))
        assert "cdn_checks:cdn.compression:switch" not in {row.id for row in mended.rows}
    assert mends.endswith(f"| perfctl cdn apply - --distribution {DISTRIBUTION_ID}")
    answers = {source.source: source.answer for source in answer.sources}
    assert answers["cdn_checks"] == answers["invalidations"] == "answered"
    assert answers["foreign_keys"] == answers["statements"] == answers["database_checks"] == "unanswered"
    assert answers["redis"] == answers["dictionaries"] == answers["pool"] == answers["cdn_logs"] == "skipped"
    assert all(source.reason for source in answer.sources if source.answer != "answered")
