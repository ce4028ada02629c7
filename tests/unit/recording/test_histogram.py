"""The histogram: its buckets, its error, its merge, what it takes and what it refuses."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.recording.histogram import COARSEST_SCALE, MAX_BUCKETS, SCALE, Histogram, bounds, bucket, merged
from tests.campaign import campaign

ERROR = 0.011
VALUES = st.floats(min_value=5e-324, max_value=1.7976931348623157e308)
SECONDS = st.lists(st.floats(min_value=1e-7, max_value=1e4) | st.just(0.0), max_size=60)


def of(values: list[float]) -> Histogram:
    made = Histogram()
    made.extend(values)
    return made


def belongs(value: float, index: int, scale: int) -> bool:
    """base**index < value <= base**(index+1), by the definition: with integers, as nothing is rounded there."""
    steps = 1 << scale
    numerator, denominator = value.as_integer_ratio()
    return not _at_most(numerator, denominator, index, steps) and _at_most(numerator, denominator, index + 1, steps)


def _at_most(numerator: int, denominator: int, power: int, steps: int) -> bool:
    """(numerator / denominator) ** steps <= 2 ** power."""
    left, right = numerator**steps, denominator**steps
    return left <= right << power if power >= 0 else left << -power <= right


@campaign(100, 3000)
@given(VALUES, st.sampled_from([SCALE, COARSEST_SCALE]))
def test_a_value_lies_in_the_bucket_that_otlp_defines(value: float, scale: int) -> None:
    assert belongs(value, bucket(value, scale), scale)


@pytest.mark.parametrize("scale", [SCALE, COARSEST_SCALE])
def test_the_doubles_beside_each_boundary_lie_on_their_sides_of_it(scale: int) -> None:
    for step in range(1 << scale):
        for octave in (-30, -1, 0, 7):
            near = math.ldexp(2 ** (step / (1 << scale)), octave)
            for value in (math.nextafter(near, 0), near, math.nextafter(near, math.inf)):
                assert belongs(value, bucket(value, scale), scale), value


def test_a_power_of_two_ends_its_bucket_at_every_scale() -> None:
    for scale in (SCALE, COARSEST_SCALE):
        assert [bucket(2.0**power, scale) for power in (-1, 0, 1)] == [-(1 << scale) - 1, -1, (1 << scale) - 1]


def test_the_buckets_are_otlps() -> None:
    seconds = of([0.0, 1.0, 1.01, 1.02, 2.0])
    scale, zeros, offset, counts = seconds.buckets()
    assert (scale, zeros, offset) == (SCALE, 1, -1)
    assert sum(counts) == 4
    for value in (1.0, 1.01, 1.02, 2.0):
        low, high = bounds(bucket(value), scale)
        assert low < value <= high * (1 + 1e-15)
        assert counts[bucket(value) - offset]


def test_the_limits_of_neighbours_meet() -> None:
    assert all(bounds(index, SCALE)[1] == bounds(index + 1, SCALE)[0] for index in range(-3000, 3000))


@pytest.mark.parametrize("parts", [1, 7, 300])
@pytest.mark.parametrize("spread", [0.1, 1.5, 6.0])
def test_a_percentile_is_within_its_error_however_often_it_was_merged(parts: int, spread: float) -> None:
    own = random.Random(7)
    values = [own.lognormvariate(-6, spread) for _ in range(6000)]
    whole = merged(of(values[part::parts]) for part in range(parts))
    values.sort()
    for q in (0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0):
        exact = values[int(q * (len(values) - 1))]
        found = whole.quantile(q)
        assert found is not None
        assert abs(found - exact) <= ERROR * exact


@campaign(100, 3000)
@given(st.lists(SECONDS, min_size=1, max_size=6), st.floats(min_value=0, max_value=1))
def test_a_percentile_of_any_merge_is_within_its_error(parts: list[list[float]], q: float) -> None:
    values = sorted(value for part in parts for value in part)
    found = merged(map(of, parts)).quantile(q)
    if not values:
        assert found is None
        return
    exact = values[int(q * (len(values) - 1))]
    assert found is not None
    assert abs(found - exact) <= ERROR * exact + 1e-300


@campaign(100, 3000)
@given(SECONDS, SECONDS, SECONDS)
def test_a_merge_is_the_same_in_any_order_and_grouping(a: list[float], b: list[float], c: list[float]) -> None:
    left, right, swapped = merged([of(a), of(b)]), merged([of(b), of(c)]), merged([of(b), of(a)])
    left.merge(of(c))
    first = of(a)
    first.merge(right)
    swapped.merge(of(c))
    assert shape(left) == shape(first) == shape(swapped) == shape(of(a + b + c))
    assert left.sum == pytest.approx(first.sum)
    assert left.sum == pytest.approx(swapped.sum)


def test_a_merge_that_is_coarsened_on_one_side_is_the_same_in_any_order() -> None:
    own = random.Random(3)
    wide = [2 ** own.uniform(-20, 20) for _ in range(8000)]
    narrow = [own.uniform(1, 2) for _ in range(50)]
    assert of(wide).scale == COARSEST_SCALE
    assert of(narrow).scale == SCALE
    both, other = of(wide), of(narrow)
    both.merge(of(narrow))
    other.merge(of(wide))
    assert shape(both) == shape(other)
    assert both.scale == COARSEST_SCALE


def test_it_never_gets_coarser_than_the_error_allows() -> None:
    made = Histogram()
    for octave in range(-1000, 1000, 3):
        made.extend([math.ldexp(1 + step / 200, octave) for step in range(200)])
    assert made.scale == COARSEST_SCALE
    assert len(made.counts) > MAX_BUCKETS


@campaign(100, 3000)
@given(SECONDS)
def test_plain_values_and_back_are_the_same(values: list[float]) -> None:
    made = of(values)
    assert Histogram.of_fields(made.to_fields()) == made
    assert shape(made.copy()) == shape(made)


@campaign(100, 3000)
@given(st.lists(st.floats() | st.integers() | st.sampled_from([None, "0.1", 10**400, -(10**400), True, [1]])))
def test_what_cannot_be_counted_is_rejected_and_harms_none(values: list[Any]) -> None:
    mixed, usable = of(values), [float(value) for value in values if is_usable(value)]
    assert (mixed.count, mixed.rejected) == (len(usable), len(values) - len(usable))
    assert math.isfinite(mixed.sum)
    if usable:
        assert (mixed.minimum, mixed.maximum) == (min(usable), max(usable))
        assert mixed.zeros == sum(value == 0 for value in usable)
    assert Histogram.of_fields(mixed.to_fields()) == mixed


def is_usable(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 1.7976931348623157e308


@campaign(100, 3000)
@given(SECONDS, st.floats(min_value=0, max_value=1e5))
def test_the_share_below_a_value_is_that_of_its_rank_to_a_bucket(values: list[float], limit: float) -> None:
    share = of(values).share_below(limit)
    if not values:
        assert share is None
        return
    assert share is not None
    surely = sum(value <= limit * (1 - 2 * ERROR) for value in values) / len(values)
    perhaps = sum(value <= limit * (1 + 2 * ERROR) for value in values) / len(values)
    assert surely - 1e-9 <= share <= perhaps + 1e-9


def test_one_value_many_times_is_as_many_records() -> None:
    at_once, one_by_one = Histogram(), of([0.25] * 40 + [0.0] * 3)
    at_once.record(0.25, 40)
    at_once.record(0.0, 3)
    assert at_once == one_by_one


@pytest.mark.parametrize(
    "fields",
    [
        [],
        None,
        [6, 0, 0, 0.0, None, None, [1], [1]],
        [9, 0, 0, 0.0, None, None, [], []],
        [6, 0, 0, math.nan, None, None, [], []],
        [6, -1, 0, 0.0, 0.0, 0.0, [], []],
        [6, 0, 0, 1.0, 1.0, 1.0, [1, 2], [1]],
        [6, 0, 0, 1.0, "x", 1.0, [1], [1]],
        [6, 0, 0, 1.0, 1.0, 1.0, ["a"], [1]],
    ],
)
def test_fields_that_no_histogram_has_are_refused(fields: Any) -> None:
    with pytest.raises(ValueError):
        Histogram.of_fields(fields)


def shape(made: Histogram) -> list[Any]:
    """All but the sum, whose last bits depend on the order."""
    fields = made.to_fields()
    return [*fields[:3], *fields[4:]]
