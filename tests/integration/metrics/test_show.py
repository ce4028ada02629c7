"""`metrics show` on real servers: what is measured, and what is said of a server that is down or silent."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from perfctl import CacheConfig, PerformanceOptimizer
from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

UNREPORTED = {"api_response_time_ms", "requests_per_second", "error_rate"}


def _data(ran: Any, *, exit_code: int = 0) -> dict[str, Any]:
    assert ran.returncode == exit_code, ran.stderr
    data: dict[str, Any] = json.loads(ran.stdout)["data"]
    return data


@pytest.fixture
def silent_port() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield str(listening.getsockname()[1])


def test_every_figure_that_the_stack_can_tell_is_measured(sandbox: RunningSandbox) -> None:
    sandbox.perfctl("cache", "get", "looked-up", "-n", "metrics")
    data = _data(sandbox.perfctl("metrics", "show", "-o", "json"))
    assert set(data["unmeasured"]) <= UNREPORTED  # access logs tell them, where there were requests lately
    assert data["unanswered"] == []
    assert 0 <= data["cache_hit_rate"] <= 1
    assert data["database_query_time_ms"] > 0
    assert all(data[name] is not None for name in data["sources"])


def test_look_ups_of_applications_count_before_those_of_the_server(sandbox: RunningSandbox) -> None:
    environment = sandbox.environment
    config = CacheConfig(
        redis_host=environment["REDIS_HOST"],
        redis_port=int(environment["REDIS_PORT"]),
        redis_password=environment["REDIS_PASSWORD"],
    )

    async def application() -> None:
        async with PerformanceOptimizer(cache_config=config) as optimizer:
            await optimizer.cache.set("k", 1, namespace="metrics")
            for key in ("k", "k", "k", "absent"):
                await optimizer.cache.get(key, namespace="metrics")

    asyncio.run(application())
    data = _data(sandbox.perfctl("metrics", "show", "-o", "json"))
    assert data["sources"]["cache_hit_rate"].startswith("perfctl's counters, all processes, ")
    assert data["cache_hit_rate"] > 0


def test_a_database_that_is_down_leaves_the_other_figures(sandbox: RunningSandbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ran = sandbox.perfctl("metrics", "show", "-o", "json", env={"DB_PORT": str(taken.getsockname()[1])})
    data = _data(ran, exit_code=6)
    assert data["unanswered"] == ["PostgreSQL"]
    assert data["database_query_time_ms"] is None
    assert "cannot be reached" in data["unmeasured"]["active_connections"]
    assert data["memory_usage_mb"] > 0
    assert json.loads(ran.stdout)["warnings"][-1] == "no answer from PostgreSQL: its figures are missing"


def test_servers_that_are_silent_are_left_behind(sandbox: RunningSandbox, silent_port: str) -> None:
    silent = {"DB_PORT": silent_port, "REDIS_PORT": silent_port}
    ran = sandbox.perfctl("metrics", "show", "-o", "json", "--timeout", "300ms", env=silent)
    data = _data(ran, exit_code=6)
    assert data["unanswered"] == ["Redis", "PostgreSQL"]
    assert data["cpu_usage_percent"] is not None


def test_a_wrong_password_is_said_and_is_not_shown(sandbox: RunningSandbox) -> None:
    ran = sandbox.perfctl("metrics", "show", "-o", "json", env={"REDIS_PASSWORD": "canary-0b1c2d"})
    assert _data(ran, exit_code=6)["unanswered"] == ["Redis"]
    assert "canary-0b1c2d" not in ran.stdout + ran.stderr


def test_off_a_terminal_it_is_plain_columns(sandbox: RunningSandbox) -> None:
    shown = sandbox.perfctl("metrics", "show").stdout
    assert shown.splitlines()[0].split()[:3] == ["METRIC", "VALUE", "UNIT"]
    assert len(shown.splitlines()) == 11
