"""A page that several processes answer in turn: what one counted in its life is never what came in an interval."""

from __future__ import annotations

import time

import pytest

from perfctl.metrics.collecting.prometheus.between import Scraped, Who, who
from perfctl.metrics.collecting.source import Gathered
from tests.unit.metrics.collecting.test_prometheus import figures, looks

LONG_AGO = 1_700_000_000.0


def page(ok: int, failed: int, started: float | None = None) -> str:
    """What a worker shows that answered so many requests."""
    text = f'http_requests_total{{status="200"}} {ok}\nhttp_requests_total{{status="500"}} {failed}\n'
    return text if started is None else f"{text}process_start_time_seconds {started}\n"


def _lately(gathered: Gathered) -> float | None:
    return figures(gathered).get("requests_per_second")


def _is_left_out(gathered: Gathered) -> bool:
    return (
        _lately(gathered) is None
        and not gathered.counters
        and not gathered.histograms
        and any("several processes answer here in turn" in note for note in gathered.notes)
    )


def test_a_worker_that_began_at_another_time_long_ago_is_another_one() -> None:
    first, second = page(10_000, 1, LONG_AGO), page(20_000, 5, LONG_AGO + 0.5)
    found = looks(first, second, page(10_010, 1, LONG_AGO), page(20_010, 5, LONG_AGO + 0.5))
    assert [_is_left_out(each) for each in found] == [False, True, True, True]
    reason = next(each for each in found[1].readings if each.name == "requests_per_second")
    assert reason.value is None
    assert "several processes" in reason.source


def test_an_application_that_began_since_the_look_before_is_counted_from_its_start() -> None:
    found = looks(page(10_000, 1, LONG_AGO), page(50, 0, time.time() + 1))
    assert _lately(found[1]) == 5.0


def test_counters_that_go_both_ways_are_of_two_processes_that_do_not_say_when_they_began() -> None:
    found = looks(page(10_000, 1), page(4_000, 9), page(10_050, 1), page(4_010, 9))
    assert [_is_left_out(each) for each in found] == [False, True, True, True]


def test_a_younger_worker_is_no_application_that_began_anew() -> None:
    assert _is_left_out(looks(page(10_000, 10), page(9_000, 9))[1])


def test_a_process_that_stays_is_believed_after_some_looks() -> None:
    pages = [page(10_000 + 10 * number, 0, LONG_AGO) for number in range(6)]
    found = looks(page(9, 9, LONG_AGO - 60), *pages)
    assert [_lately(each) for each in found] == [None, None, None, None, 1.0, 1.0, 1.0]


def _scraped(started: float | None = None, **counted: float) -> Scraped:
    values = {(f"{name}_total", ()): value for name, value in counted.items()}
    if started is not None:
        values["process_start_time_seconds", ()] = started
    return Scraped(0.0, values, {}, LONG_AGO + 1000)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (_scraped(a=1, b=2), _scraped(a=1, b=2), "same"),
        (_scraped(a=1, b=2), _scraped(a=90_000, b=2), "same"),
        (_scraped(a=1), _scraped(a=1, b=7), "same"),
        (_scraped(a=1, b=7), _scraped(a=1), "same"),
        (_scraped(a=1000, b=700), _scraped(a=20), "anew"),
        (_scraped(a=1000, b=1), _scraped(a=20, b=3), "another"),
        (_scraped(a=1000, b=700), _scraped(a=900, b=650), "another"),
        (_scraped(LONG_AGO, a=5), _scraped(LONG_AGO, a=6), "same"),
        (_scraped(LONG_AGO, a=5), _scraped(LONG_AGO, a=0), "another"),
        (_scraped(LONG_AGO, a=5), _scraped(LONG_AGO + 999, a=9), "anew"),
        (_scraped(LONG_AGO, a=5), _scraped(LONG_AGO + 900, a=9), "another"),
        (_scraped(LONG_AGO, a=5), _scraped(LONG_AGO - 900, a=9), "another"),
        (_scraped(a=5), _scraped(LONG_AGO, a=9), "another"),
        (_scraped(LONG_AGO, a=5), _scraped(a=9), "another"),
    ],
)
def test_whose_page_it_is(before: Scraped, now: Scraped, expected: Who) -> None:
    assert who(before, now) == expected
