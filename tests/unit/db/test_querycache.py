"""Answers are kept for a time, in bounds, and never across a write."""

from __future__ import annotations

from perfctl.db.querycache import MAX_ENTRIES, MAX_ROWS, QueryCache, key_of


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_served_until_its_time_is_over() -> None:
    clock = Clock()
    cache = QueryCache(clock=clock)
    cache.put("k", [{"a": 1}], ttl_seconds=10, version=0)
    clock.now = 9.9
    assert cache.get("k") == [{"a": 1}]
    clock.now = 10
    assert cache.get("k") is None


def test_an_answer_without_rows_is_an_answer() -> None:
    cache = QueryCache()
    cache.put("k", [], ttl_seconds=None, version=0)
    assert cache.get("k") == []


def test_a_caller_who_changes_the_list_changes_only_his_own() -> None:
    cache = QueryCache()
    cache.put("k", [{"a": 1}], ttl_seconds=None, version=0)
    (cache.get("k") or []).clear()
    assert cache.get("k") == [{"a": 1}]


def test_what_was_read_before_a_write_is_not_kept_after_it() -> None:
    cache = QueryCache()
    before = cache.version
    cache.forget()
    cache.put("k", [{"a": 1}], ttl_seconds=None, version=before)
    assert cache.get("k") is None


def test_a_write_forgets_everything() -> None:
    cache = QueryCache()
    cache.put("k", [{"a": 1}], ttl_seconds=None, version=cache.version)
    cache.forget()
    assert cache.get("k") is None


def test_the_least_recently_used_answer_goes_first() -> None:
    cache = QueryCache()
    for number in range(MAX_ENTRIES):
        cache.put(number, [], ttl_seconds=None, version=0)
    cache.get(0)
    cache.put("new", [], ttl_seconds=None, version=0)
    assert cache.get(0) == []
    assert cache.get(1) is None


def test_an_answer_with_too_many_rows_is_not_kept() -> None:
    cache = QueryCache()
    cache.put("k", [{}] * (MAX_ROWS + 1), ttl_seconds=None, version=0)
    assert cache.get("k") is None


def test_values_that_are_equal_in_python_but_not_in_sql_have_their_own_answers() -> None:
    assert len({key_of("q", (value,)) for value in (1, 1.0, True, "1", None)}) == 5


def test_lists_can_be_parameters_of_a_kept_answer() -> None:
    assert key_of("q", ([1, 2],)) == key_of("q", ([1, 2],)) != key_of("q", ([1, 2.0],))


def test_a_parameter_that_cannot_be_compared_is_not_kept() -> None:
    assert key_of("q", ({"a": 1},)) is None
