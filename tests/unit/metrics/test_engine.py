"""Asking sources: all at once, each with its own limit, and a failure is a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from perfctl.errors import AuthError, ServiceError, UnreachableError
from perfctl.metrics.engine import MetricsEngine, Source
from perfctl.metrics.model import MetricsSnapshot, Reading
from perfctl.metrics.sources import Lookups, cache_source, database_source, off


def _source(name: str, *readings: Reading, error: Exception | None = None, hangs: bool = False) -> Source:
    async def ask() -> Iterable[Reading]:
        if hangs:
            await asyncio.sleep(60)
        if error is not None:
            raise error
        return readings

    return Source(name=name, figures=("cache_hit_rate",), ask=ask)


def _snapshot(*sources: Source, limit_seconds: float = 5.0) -> MetricsSnapshot:
    return asyncio.run(MetricsEngine(sources, limit_seconds=limit_seconds).snapshot(interval_seconds=0.05))


def test_a_source_that_cannot_be_reached_is_named_and_its_figure_has_the_reason() -> None:
    snapshot = _snapshot(_source("Redis", error=UnreachableError("Redis at h:1 cannot be reached")))
    assert snapshot.unanswered == ("Redis",)
    assert snapshot.unmeasured["cache_hit_rate"] == "Redis at h:1 cannot be reached"
    assert snapshot.cpu_usage_percent is not None


def test_a_wrong_password_is_no_answer_either() -> None:
    assert _snapshot(_source("Redis", error=AuthError("WRONGPASS"))).unanswered == ("Redis",)


def test_a_server_that_refuses_the_question_did_answer() -> None:
    snapshot = _snapshot(_source("Redis", error=ServiceError("no such command")))
    assert (snapshot.unanswered, snapshot.unmeasured["cache_hit_rate"]) == ((), "no such command")


def test_a_source_that_hangs_is_left_behind() -> None:
    slow, quick = _source("slow", hangs=True), _source("quick", Reading("cache_hit_rate", 0.5, "quick"))
    snapshot = _snapshot(slow, quick, limit_seconds=0.05)
    assert (snapshot.unanswered, snapshot.cache_hit_rate) == (("slow",), 0.5)


def test_figures_of_the_application_say_that_no_application_reports() -> None:
    unmeasured = _snapshot().unmeasured
    assert {unmeasured[name] for name in ("api_response_time_ms", "requests_per_second", "error_rate")} == {
        "no application reports to perfctl"
    }


def test_current_measures_the_cpu_between_two_calls() -> None:
    engine = MetricsEngine()
    assert "cpu_usage_percent" in engine.current().unmeasured
    asyncio.run(asyncio.sleep(0.06))
    assert engine.current().measured("cpu_usage_percent") is not None


class Server:
    """A server with these counts."""

    def __init__(self, counted: Lookups, keyspace: Lookups) -> None:
        self._counted, self._keyspace = counted, keyspace

    async def counted(self) -> Lookups:
        return self._counted

    async def keyspace(self) -> Lookups:
        return self._keyspace


NOTHING = Lookups(0, 0)


@pytest.mark.parametrize(
    ("counted", "keyspace", "here", "ratio", "source"),
    [
        (Lookups(90, 10), Lookups(1, 1), Lookups(1, 0), 0.9, "perfctl's counters, all processes, 100 look-ups"),
        (NOTHING, Lookups(1, 1), Lookups(3, 1), 0.75, "this process, 4 look-ups"),
        (NOTHING, Lookups(1, 1), NOTHING, 0.5, "Redis INFO, all clients and keys, 2 look-ups"),
    ],
)
def test_the_hit_ratio_is_that_of_the_widest_source_that_is_about_this_cache(
    counted: Lookups, keyspace: Lookups, here: Lookups, ratio: float, source: str
) -> None:
    snapshot = _snapshot(cache_source(lambda: here, Server(counted, keyspace)))
    assert (snapshot.cache_hit_rate, snapshot.sources["cache_hit_rate"]) == (ratio, source)


def test_a_cache_nobody_asked_has_no_hit_ratio() -> None:
    snapshot = _snapshot(cache_source(lambda: Lookups(0, 0), None))
    assert snapshot.cache_hit_rate is None
    assert snapshot.unmeasured["cache_hit_rate"] == "this process: nothing was looked up yet"


def test_the_database_tells_connections_even_where_statements_are_not_counted() -> None:
    async def fetch(sql: str) -> list[dict[str, object]]:
        return [{"connections": 4, "statements_schema": None}]

    snapshot = _snapshot(database_source(fetch, connections=lambda: 0, times_ms=list))
    assert (snapshot.active_connections, snapshot.database_query_time_ms) == (4, None)
    assert "create extension pg_stat_statements" in snapshot.unmeasured["database_query_time_ms"]


def test_unasked_the_database_tells_what_this_process_knows() -> None:
    async def fetch(sql: str) -> list[dict[str, object]]:
        raise AssertionError("nobody is asked")

    metrics = MetricsEngine([database_source(fetch, connections=lambda: 3, times_ms=lambda: [1.0, 2.0])]).current()
    assert (metrics.active_connections, metrics.database_query_time_ms) == (3, 1.5)
    assert metrics.sources["database_query_time_ms"] == "this process, 2 statements"


def test_an_engine_that_is_off_says_so() -> None:
    snapshot = _snapshot(off(("database_query_time_ms",), "the database is not configured"))
    assert (snapshot.unanswered, snapshot.unmeasured["database_query_time_ms"]) == (
        (),
        "the database is not configured",
    )
