"""Durations as percentiles."""

from __future__ import annotations

import random

import pytest

from perfctl.cache.model import Percentiles
from perfctl.cache.serving.latency import Latency


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 0.99, 1.0])
def test_every_percentile_is_within_one_per_cent(share: float) -> None:
    own = random.Random(7)
    seconds = sorted(own.lognormvariate(-7, 2) for _ in range(5000))
    latency = Latency()
    for each in seconds:
        latency.record(each)
    exact = seconds[round(share * (len(seconds) - 1))]
    assert latency.quantile(share) == pytest.approx(exact, rel=0.0101)


def test_two_are_as_one() -> None:
    both, first, second = Latency(), Latency(), Latency()
    for number in range(1, 200):
        both.record(number / 1000)
        (first if number % 3 else second).record(number / 1000)
    first.merge(second)
    assert first.percentiles() == both.percentiles()


def test_before_the_first_there_is_nothing_to_say() -> None:
    assert Latency().percentiles() == Percentiles()


def test_no_time_at_all_is_a_time() -> None:
    latency = Latency()
    latency.record(0.0)
    assert latency.percentiles().count == 1
