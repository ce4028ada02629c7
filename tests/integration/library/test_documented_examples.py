"""The library's documented examples, run on real servers: asynchronous, and the same names for synchronous code."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perfctl import CacheConfig, DatabaseConfig, PerformanceMetrics, PerformanceOptimizer
from tests.conftest import RunningSandbox

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("seeded")]

BODY = json.dumps([{"symbol": "AAPL", "price": 187.2}] * 200).encode()


@pytest.fixture
def config_file(seeded_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A perfctl.yaml whose servers are those of the sandbox."""
    for name, value in {**seeded_sandbox.home, **seeded_sandbox.environment}.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "perfctl.yaml"
    path.write_text(f"cache:\n  key_prefix: {tmp_path.name}\n  ttl_seconds: 600\n  patience_seconds: 5\n")
    return path


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Iterator[None]:
    """What a test opened is closed: a socket or a loop that is not makes a ResourceWarning, and so an error."""
    yield
    from perfctl.bridge import portal

    portal().close()
    gc.collect()
    assert "perfctl-bridge" not in [thread.name for thread in threading.enumerate()]


def test_the_documented_library_runs(config_file: Path) -> None:
    calls: list[str] = []
    user = {"id": 123, "name": "Zoë", "roles": ("trader",)}

    async def documented() -> None:
        async with PerformanceOptimizer.from_file(config_file) as performance_optimizer:

            @performance_optimizer.cache_decorator(ttl=3600, namespace="api")
            async def get_stock_data(symbol: str) -> dict[str, str]:
                calls.append(symbol)
                return {"symbol": symbol}

            assert await get_stock_data("AAPL") == await get_stock_data("AAPL") == {"symbol": "AAPL"}
            await performance_optimizer.cache.set("user:123", user, ttl=1800)
            assert await performance_optimizer.cache.get("user:123") == user
            content, headers = await performance_optimizer.cdn.optimize_content(
                content=BODY, content_type="application/json", user_location="us-west-2"
            )
            assert len(content) < len(BODY)
            assert headers["Content-Encoding"] in ("br", "gzip")
            await performance_optimizer.cdn.invalidate_content(["/api/stocks/AAPL", "/api/portfolio/123"])
            await performance_optimizer.cdn.preload_content(["/api/market/overview"])
            rows = await performance_optimizer.database.execute_optimized_query(
                "SELECT * FROM stocks WHERE sector = %s ORDER BY market_cap DESC",
                params=("technology",),
                use_cache=True,
            )
            assert isinstance(rows, list)
            analysis = await performance_optimizer.database.analyze_query_performance(
                "SELECT * FROM stocks WHERE symbol = 'AAPL'"
            )
            assert analysis.analyzed
            slow = performance_optimizer.database.query_optimizer.get_slow_queries()
            assert [query.calls for query in slow] == [1]
            metrics = performance_optimizer.get_performance_metrics()
            cache_metrics = performance_optimizer.get_cache_metrics()
            assert isinstance(metrics, PerformanceMetrics)
            assert metrics.cache_hit_rate == pytest.approx(cache_metrics.hit_rate, abs=1e-4)
            assert metrics.database_query_time_ms > 0
            assert metrics.active_connections >= 1
            assert "api_response_time_ms" in metrics.unmeasured
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(documented())
    assert calls == ["AAPL"]


def test_the_same_names_block_for_synchronous_code(config_file: Path) -> None:
    calls: list[str] = []
    performance_optimizer = PerformanceOptimizer.from_file(config_file)

    @performance_optimizer.cache_decorator(ttl=3600, namespace="api")
    def get_stock_data(symbol: str) -> dict[str, str]:
        calls.append(symbol)
        return {"symbol": symbol}

    assert get_stock_data("MSFT") == get_stock_data("MSFT") == {"symbol": "MSFT"}
    assert calls == ["MSFT"]
    with performance_optimizer.sync as perf:
        perf.cache.set("user:123", {"id": 123}, ttl=1800)
        assert perf.cache.get("user:123") == {"id": 123}
        assert perf.cache.get_or_set("made", lambda: perf.cache.get("user:123")) == {"id": 123}
        content, headers = perf.cdn.optimize_content(content=BODY, content_type="application/json")
        assert len(content) < len(BODY)
        assert "Cache-Control" in headers
        perf.cdn.invalidate_content(["/api/stocks/AAPL"])
        perf.cdn.preload_content(["/api/market/overview"])
        rows = perf.database.execute_optimized_query("SELECT %s::int AS answer", params=(42,))
        assert [dict(row) for row in rows] == [{"answer": 42}]
        assert perf.database.analyze_query_performance("SELECT 1").analyzed
        assert len(perf.database.query_optimizer.get_slow_queries()) == 1
        assert perf.get_performance_metrics().active_connections >= 1
        assert perf.get_cache_metrics().hit_rate > 0
        assert perf.metrics.measure().measured("active_connections") is not None


def test_a_connection_of_the_pool_may_be_held_by_synchronous_code(config_file: Path) -> None:
    with PerformanceOptimizer.from_file(config_file).sync as perf, perf.database.pool.acquire() as session:
        session.execute("CREATE TEMP TABLE held (n int); INSERT INTO held VALUES (1), (2)")
        assert [row["n"] for row in session.fetch("SELECT n FROM held ORDER BY n")] == [1, 2]


def test_a_function_decorated_at_import_time_connects_at_its_first_miss(config_file: Path) -> None:
    performance_optimizer = PerformanceOptimizer.from_file(config_file)
    calls: list[int] = []

    @performance_optimizer.cache_decorator(namespace="import")
    async def square(number: int) -> int:
        calls.append(number)
        return number * number

    async def entered_twice() -> list[int]:
        found = []
        for _ in range(2):
            async with performance_optimizer:
                found.append(await square(7))
        return found

    assert asyncio.run(entered_twice()) == [49, 49]
    assert asyncio.run(entered_twice()) == [49, 49]
    assert calls == [7]


def test_threads_share_the_engines_of_a_running_loop(config_file: Path) -> None:
    async def main() -> list[Any]:
        async with PerformanceOptimizer.from_file(config_file) as optimizer:
            await optimizer.cache.set("shared", [1, 2])
            asks = [asyncio.to_thread(optimizer.sync.cache.get, "shared") for _ in range(20)]
            asks += [asyncio.to_thread(optimizer.sync.database.execute_optimized_query, "SELECT 1")]
            return await asyncio.gather(*asks)

    *values, rows = asyncio.run(main())
    assert values == [[1, 2]] * 20
    assert len(rows) == 1


def test_a_key_written_through_one_optimizer_is_read_through_another(config_file: Path) -> None:
    writer, reader = PerformanceOptimizer.from_file(config_file), PerformanceOptimizer.from_file(config_file)
    with writer.sync as there, reader.sync as here:
        there.cache.set("handed:over", {"price": 1.5}, namespace="two")
        assert here.cache.get("handed:over", namespace="two") == {"price": 1.5}


def test_a_script_that_never_closes_leaves_no_warning(config_file: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"""
from perfctl import PerformanceOptimizer

optimizer = PerformanceOptimizer.from_file({str(config_file)!r})

@optimizer.cache_decorator(namespace="script")
def twice(number):
    return 2 * number

assert twice(4) == 8
optimizer.sync.cache.set("k", 1)
print(optimizer.sync.database.execute_optimized_query("SELECT 1 AS one")[0]["one"])
"""
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "1\n", "")


def test_a_forked_worker_uses_what_was_decorated_and_used_before_the_fork(config_file: Path, tmp_path: Path) -> None:
    script = tmp_path / "workers.py"
    script.write_text(
        f"""
import os
from perfctl import PerformanceOptimizer

optimizer = PerformanceOptimizer.from_file({str(config_file)!r})

@optimizer.cache_decorator(namespace="workers")
def twice(number):
    return 2 * number

def work(number):
    assert twice(number) == 2 * number
    optimizer.sync.cache.set(f"k{{number}}", number)
    assert optimizer.sync.cache.get(f"k{{number}}") == number
    return optimizer.sync.database.execute_optimized_query("SELECT %s::int AS n", (number,))[0]["n"]

def backend():
    return optimizer.sync.database.execute_optimized_query("SELECT pg_backend_pid() AS pid")[0]["pid"]

assert work(1) == 1
before = backend()
children = []
for number in (2, 3, 4):
    child = os.fork()
    if child == 0:
        optimizer.sync.close()
        assert work(number) == number
        raise SystemExit(0)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children], work(5), backend() == before)
"""
    )
    copies_are_never_closed = "ignore::ResourceWarning"
    # Python >= 3.12 warns of every fork of a process with threads, and .sync has one.
    threads_are_known = "ignore:This process:DeprecationWarning"
    ran = subprocess.run(
        [sys.executable, "-W", copies_are_never_closed, "-W", threads_are_known, script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[0, 0, 0] 5 True\n", "")


def test_measuring_asks_the_servers(config_file: Path) -> None:
    async def measured() -> PerformanceMetrics:
        async with PerformanceOptimizer.from_file(config_file) as optimizer:
            await optimizer.cache.set("k", 1)
            await optimizer.cache.get("k")
            return await optimizer.metrics.measure()

    metrics = asyncio.run(measured())
    assert metrics.sources["database_query_time_ms"].startswith("pg_stat_statements, ")
    assert metrics.sources["active_connections"] == "pg_stat_activity, this database"
    assert metrics.sources["cache_hit_rate"].startswith("perfctl in this process, ")


def test_engines_stand_alone_and_may_be_given_their_own_configuration(seeded_sandbox: RunningSandbox) -> None:
    environment = seeded_sandbox.environment
    database = DatabaseConfig(
        host=environment["DB_HOST"],
        port=int(environment["DB_PORT"]),
        database=environment["DB_NAME"],
        username=environment["DB_USER"],
        password=environment["DB_PASSWORD"],
        enable_connection_pooling=False,
    )

    async def asked() -> list[Any]:
        async with PerformanceOptimizer(cache_config=CacheConfig(), database_config=database) as optimizer:
            return await optimizer.database.execute_optimized_query("SELECT 6 * 7 AS answer")

    assert [dict(row) for row in asyncio.run(asked())] == [{"answer": 42}]
