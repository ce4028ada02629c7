"""Asking sources: all at once, each with its own limit, and a failure is a reason."""

from __future__ import annotations

import asyncio

import pytest

from perfctl.errors import AuthError, ServiceError, UnreachableError
from perfctl.metrics.collecting.postgres import Pool, StatementsDone, postgres_source
from perfctl.metrics.collecting.redis_server import Lookups, ServerCounts, redis_source
from perfctl.metrics.collecting.source import Gathered, Source, off
from perfctl.metrics.engine import MetricsEngine
from perfctl.metrics.model import MetricsSnapshot, Reading
from perfctl.metrics.reading import value_of
from perfctl.recording.series import series


def _source(name: str, *readings: Reading, error: Exception | None = None, hangs: bool = False) -> Source:
    async def ask() -> Gathered:
        if hangs:
            await asyncio.sleep(60)
        if error is not None:
            raise error
        return Gathered(readings=readings)

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
    """A server with these counts, look by look; the last ones stay."""

    def __init__(self, counted: list[Lookups], keyspace: list[Lookups | None]) -> None:
        self._counted, self._keyspace = counted, keyspace

    async def counted(self) -> Lookups:
        return self._counted.pop(0) if len(self._counted) > 1 else self._counted[0]

    async def server(self) -> ServerCounts:
        keyspace = self._keyspace.pop(0) if len(self._keyspace) > 1 else self._keyspace[0]
        return ServerCounts(keyspace, 1_000_000)


def test_a_server_that_began_anew_and_outgrew_its_counters_tells_nothing_of_the_time_in_between() -> None:
    before = ServerCounts(Lookups(10, 90), None, ("a",))
    assert ServerCounts(Lookups(100, 95), None, ("b",)).since(before) is None
    since = ServerCounts(Lookups(100, 95), None, ("a",)).since(before)
    assert since is not None
    assert since.theirs == Lookups(90, 5)


NOTHING = Lookups(0, 0)


def _counts(hits: int, misses: int, *, ours: int = 0, maybe: int | None = None, hashes: int = 0) -> ServerCounts:
    return ServerCounts(Lookups(hits, misses), None, ("a",), Lookups(ours, 0), maybe, hashes)


@pytest.mark.parametrize(
    ("before", "after", "theirs"),
    [
        (_counts(10, 0, ours=10, maybe=10), _counts(11, 0, ours=11, maybe=11), Lookups(0, 0)),
        (_counts(10, 0, ours=10, maybe=10), _counts(101, 10, ours=11, maybe=11), Lookups(90, 10)),
        (_counts(10, 0, ours=10, maybe=10), _counts(13, 0, ours=11, maybe=13), None),
        (_counts(10, 0, ours=10), _counts(13, 0, ours=11), Lookups(2, 0)),
        (_counts(0, 0, maybe=0, hashes=0), _counts(900, 100, maybe=1000, hashes=1000), Lookups(900, 100)),
        (_counts(0, 0, maybe=0, hashes=0), _counts(20, 0, maybe=20, hashes=20), None),
    ],
    ids=["idle", "busy", "another perfctl", "no commandstats", "an application of hashes", "few hashes"],
)
def test_what_perfctl_looks_up_is_no_look_up_of_an_application(
    before: ServerCounts, after: ServerCounts, theirs: Lookups | None
) -> None:
    since = after.since(before, seconds=10.0)
    assert since is not None
    assert since.theirs == theirs


def test_a_ratio_that_may_be_of_perfctls_look_ups_alone_is_none_and_says_why() -> None:
    class Idle:
        async def counted(self) -> Lookups:
            return NOTHING

        async def server(self) -> ServerCounts:
            return _counts(40, 3, ours=1, maybe=43)

    engine = MetricsEngine([redis_source(lambda: NOTHING, Idle())])
    found = asyncio.run(engine.collect(interval_seconds=0.05))
    readings = asyncio.run(redis_source(lambda: NOTHING, Idle()).ask()).readings
    assert found.snapshot.cache_hit_rate is None
    assert readings[-1].value is None
    assert readings[-1].source.endswith("since the server started: most look-ups may be perfctl's own")


SHARED, EVERY = "perfctl's counters, all processes", "Redis INFO, all clients and keys"


@pytest.mark.parametrize(
    ("counted", "keyspace", "here", "ratio", "source"),
    [
        ([Lookups(90, 10)], [Lookups(1, 1)], Lookups(1, 0), 0.9, f"{SHARED}, since they began, 100 look-ups"),
        ([Lookups(90, 10), Lookups(91, 13)], [Lookups(1, 1)], NOTHING, 0.25, f"{SHARED}, over 250 ms, 4 look-ups"),
        ([NOTHING], [Lookups(1, 1)], Lookups(3, 1), 0.75, "this process, since it began, 4 look-ups"),
        ([NOTHING], [Lookups(1, 1)], NOTHING, 0.5, f"{EVERY}, since the server started, 2 look-ups"),
        ([NOTHING], [Lookups(1, 1), Lookups(10, 2)], NOTHING, 0.9, f"{EVERY}, over 250 ms, 10 look-ups"),
        ([NOTHING], [Lookups(9, 9), Lookups(1, 1)], NOTHING, 0.5, f"{EVERY}, since the server started, 2 look-ups"),
    ],
)
def test_the_hit_ratio_is_of_what_is_about_this_cache_and_of_lately_where_that_can_be_told(
    counted: list[Lookups], keyspace: list[Lookups | None], here: Lookups, ratio: float, source: str
) -> None:
    clock = iter([10.0, 10.25])
    asked = redis_source(lambda: here, Server([*counted], [*keyspace]), clock=lambda: next(clock))
    snapshot = _snapshot(asked)
    assert (snapshot.cache_hit_rate, snapshot.sources["cache_hit_rate"]) == (ratio, source)


def test_look_ups_on_redis_go_into_the_frame_as_what_came_and_not_where_the_counters_fell() -> None:
    async def counted(*keyspace: Lookups | None) -> dict[str, float | None]:
        engine = MetricsEngine([redis_source(lambda: NOTHING, Server([NOTHING], [*keyspace]))])
        frame = (await engine.collect(interval_seconds=0.05)).frame
        return {name: value_of(frame, name).value for name in ("redis.keyspace.hits", "redis.memory.used")}

    assert asyncio.run(counted(Lookups(1, 1), Lookups(10, 2))) == {"redis.keyspace.hits": 9.0, "redis.memory.used": 1e6}
    assert asyncio.run(counted(Lookups(10, 2), Lookups(1, 1))) == {
        "redis.keyspace.hits": None,
        "redis.memory.used": 1e6,
    }
    assert asyncio.run(counted(None)) == {"redis.keyspace.hits": None, "redis.memory.used": 1e6}


def test_a_cache_nobody_asked_has_no_hit_ratio() -> None:
    snapshot = _snapshot(redis_source(lambda: NOTHING, None))
    assert snapshot.cache_hit_rate is None
    assert snapshot.unmeasured["cache_hit_rate"] == "this process, since it began: nothing was looked up"


async def _activity(sql: str) -> list[dict[str, object]]:
    if "pg_stat_statements(" in sql:
        return [{"calls": 8, "total_ms": 16.0}]
    return [{"connections": 4, "statements_schema": "public"}]


def _database(*done: StatementsDone | None, fetch: object = _activity) -> Source:
    looks = iter(done)

    async def statements() -> StatementsDone | None:
        return next(looks)

    return postgres_source(fetch, statements, pool=lambda: Pool(1, 2, 3), times_ms=lambda: [1.0, 2.0])  # type: ignore[arg-type]


def test_the_database_tells_connections_even_where_statements_are_not_counted() -> None:
    async def fetch(sql: str) -> list[dict[str, object]]:
        return [{"connections": 4, "statements_schema": None}]

    snapshot = _snapshot(_database(fetch=fetch))
    assert (snapshot.active_connections, snapshot.database_query_time_ms) == (4, None)
    assert "create extension pg_stat_statements" in snapshot.unmeasured["database_query_time_ms"]


def test_the_mean_of_statements_is_that_between_two_looks() -> None:
    done = StatementsDone(0.25, {"a": (3, 0.009), "b": (1, 0.003)})
    snapshot = _snapshot(_database(None, done))
    assert snapshot.database_query_time_ms == 3.0
    assert snapshot.sources["database_query_time_ms"] == "pg_stat_statements, over 250 ms, 4 calls"


def test_where_no_statement_ended_the_mean_is_that_since_the_reset_and_said_to_be() -> None:
    snapshot = _snapshot(_database(None, StatementsDone(0.25, {})))
    assert snapshot.database_query_time_ms == 2.0
    assert snapshot.sources["database_query_time_ms"] == "pg_stat_statements, 8 calls since its reset"


def test_a_reset_is_a_note() -> None:
    snapshot = _snapshot(_database(None, StatementsDone(0.25, {"a": (1, 0.1)}, ("pg_stat_statements was reset",))))
    assert snapshot.notes == ("pg_stat_statements was reset",)


def test_statements_are_in_the_frame_by_fingerprint() -> None:
    engine = MetricsEngine([_database(None, StatementsDone(0.25, {"a": (3, 0.009), "b": (1, 0.003)}))])
    frame = asyncio.run(engine.collect(interval_seconds=0.05)).frame
    assert frame.counters[series("db.statement.calls", fingerprint="a")] == 3.0
    assert value_of(frame, "db.statement.mean", {"fingerprint": "b"}).value == 0.003
    assert value_of(frame, "active_connections").value == 4.0


def test_a_thousand_shapes_are_kept_apart_and_the_rest_is_other() -> None:
    shapes = {f"shape{number}": (1, float(number)) for number in range(1200)}
    engine = MetricsEngine([_database(None, StatementsDone(0.25, shapes))])
    counters = asyncio.run(engine.collect(interval_seconds=0.05)).frame.counters
    calls = {each: value for each, value in counters.items() if each.name == "db.statement.calls"}
    assert (len(calls), calls[series("db.statement.calls", fingerprint="other")]) == (1000, 201.0)
    assert counters[series("perfctl.series.dropped", metric="db.statement.calls")] == 201.0


def test_unasked_the_database_tells_what_this_process_knows() -> None:
    metrics = MetricsEngine([_database()]).current()
    assert (metrics.active_connections, metrics.database_query_time_ms) == (3, 1.5)
    assert metrics.sources["database_query_time_ms"] == "this process, 2 statements"


def test_an_engine_that_is_off_says_so() -> None:
    snapshot = _snapshot(off(("database_query_time_ms",), "the database is not configured"))
    assert (snapshot.unanswered, snapshot.unmeasured["database_query_time_ms"]) == (
        (),
        "the database is not configured",
    )


def test_what_did_not_answer_is_not_in_the_frame() -> None:
    frame = asyncio.run(
        MetricsEngine([_source("Redis", error=UnreachableError("gone"))]).collect(interval_seconds=0.05)
    ).frame
    assert {each.name.partition(".")[0] for each in (*frame.counters, *frame.gauges)} == {"host"}


def test_the_next_round_is_since_the_one_before() -> None:
    async def rounds() -> tuple[float, float]:
        engine = MetricsEngine()
        await engine.collect(interval_seconds=0.05)
        await asyncio.sleep(0.3)
        second = await engine.collect(interval_seconds=10.0)
        return second.frame.seconds, second.snapshot.cpu_usage_percent or 0.0

    assert 0.3 <= asyncio.run(rounds())[0] < 5.0
