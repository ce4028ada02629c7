"""What values from the server are taken to weigh: most of them by their length."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from perfctl.cache.values.scales import Scales
from perfctl.cache.values.weight import weigh_decoded
from tests.bench.payloads import document


def length_of(value: Any) -> int:
    """Its serialised bytes."""
    return len(msgpack.packb(value))


def test_the_first_values_and_large_ones_are_weighed() -> None:
    scales, large = Scales(), list(range(3000))
    for number in range(16):
        value = {"number": number, "text": "x" * number}
        assert scales.weigh(value, length_of(value)) == weigh_decoded(value)
    assert scales.weigh([1] * 100, 101) != weigh_decoded([1] * 100)
    assert scales.weigh(large, length_of(large)) == weigh_decoded(large)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_added_up_is_no_less_than_it_weighs_and_little_more(seed: int) -> None:
    dice = random.Random(seed)
    made: list[Callable[[], Any]] = [
        lambda: document("orders", 600, dice),
        lambda: "text " * 60,
        lambda: [dice.randint(0, 9)] * 40,
        lambda: 7,
    ]
    values = [dice.choice(made)() for _ in range(20_000)]
    scales = Scales()
    taken = sum(scales.weigh(value, length_of(value)) for value in values)
    assert 0.97 < taken / sum(map(weigh_decoded, values)) < 1.25


def test_the_scales_follow_values_that_change() -> None:
    scales = Scales()
    for _ in range(1000):
        scales.weigh("x" * 500, 503)
    text = scales.ratio
    for _ in range(64 * 100):
        scales.weigh([1] * 100, 103)
    assert scales.ratio > 5 * text
