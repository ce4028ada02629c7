"""The application's own recorder says which of its queries cost the most."""

from __future__ import annotations

from perfctl.db.model.executions import Execution
from perfctl.db.statements.recorder import KEPT, QueryOptimizer


def ran(query: str, took_ms: float, *, rows: int = 1, was_cached: bool = False) -> Execution:
    return Execution(query, took_ms, rows, was_cached=was_cached, failed=False)


def test_executions_of_one_shape_are_one_row_the_costliest_first() -> None:
    recorder = QueryOptimizer()
    for execution in (ran("SELECT 1 FROM a", 10), ran("SELECT 2 FROM a", 30), ran("SELECT b FROM b", 60)):
        recorder.record(execution)
    slow = recorder.get_slow_queries()
    assert [(row.query, row.calls, row.total_ms, row.mean_ms, row.share) for row in slow] == [
        ("SELECT b FROM b", 1, 60, 60, 0.6),
        ("SELECT 2 FROM a", 2, 40, 20, 0.4),
    ]


def test_what_the_cache_answered_did_not_cost_the_server_anything() -> None:
    recorder = QueryOptimizer()
    recorder.record(ran("SELECT 1", 0.1, was_cached=True))
    assert recorder.get_slow_queries() == ()


def test_quick_shapes_can_be_left_out() -> None:
    recorder = QueryOptimizer()
    recorder.record(ran("SELECT a", 5))
    recorder.record(ran("SELECT b", 50))
    assert [row.query for row in recorder.get_slow_queries(min_mean_ms=20)] == ["SELECT b"]


def test_the_last_thousand_executions_are_remembered() -> None:
    recorder = QueryOptimizer()
    for number in range(KEPT + 5):
        recorder.record(ran(f"SELECT {number}", 1))
    assert len(recorder.executions) == KEPT
    assert recorder.executions[0].query == "SELECT 5"
