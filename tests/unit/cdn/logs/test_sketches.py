"""Sketches: bounded, mergeable, and as exact as they say."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.logs.keys import Keys
from perfctl.cdn.logs.sketches import HeavyHitters, Histograms
from tests.campaign import campaign

LABELS = st.lists(st.integers(0, 40), max_size=200)


@given(LABELS)
@campaign(50, 5_000)
def test_few_labels_are_counted_exactly(labels: list[int]) -> None:
    assert dict(_counted(labels, keep=100).rows()) == {b"%d" % key: [n] for key, n in Counter(labels).items()}


@given(LABELS, LABELS, st.integers(1, 8))
@campaign(100, 20_000)
def test_many_labels_are_never_told_too_low_nor_higher_than_the_error(
    first: list[int], second: list[int], keep: int
) -> None:
    table = _counted(first, keep=keep)
    table.merge(_counted(second, keep=keep))
    exact = Counter(b"%d" % label for label in first + second)
    told = {label: counts[0] for label, counts in table.rows()}
    for label, count in exact.items():
        assert count <= told.get(label, table.error) <= count + table.error


def test_the_error_of_one_stream_is_at_most_its_size_over_what_is_kept() -> None:
    rng = random.Random(1)
    labels = [int(rng.paretovariate(0.7)) % 5000 for _ in range(20_000)]
    table = _counted(labels, keep=100)
    assert 0 < table.error <= len(labels) / 100
    assert len(table) <= 200 + 50
    exact = Counter(b"%d" % label for label in labels)
    assert [label for label, _ in table.rows(3)] == [label for label, _ in exact.most_common(3)]


@given(st.lists(st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 3000), max_size=700), max_size=8))
@campaign(20, 2_000)
def test_fingerprints_have_a_place_each_in_the_order_in_which_they_came(rounds: list[set[int]]) -> None:
    table = Keys(np.zeros(0, dtype=np.uint64))
    known: dict[int, int] = {}
    for keys in rounds:
        places = table.places(np.array(list(keys), dtype=np.uint64)).tolist()
        assert [table.all().tolist()[place] for place in places] == list(keys)
        assert all(known.setdefault(key, place) == place for key, place in zip(keys, places, strict=True))
    assert len(table) == len(known) == len(set(table.all().tolist()))


@given(LABELS, st.integers(1, 8))
@campaign(50, 5_000)
def test_labels_are_counted_by_their_fingerprints_as_by_themselves(labels: list[int], keep: int) -> None:
    table = HeavyHitters(keep=keep)
    for start in range(0, len(labels), 7):
        part = Counter(labels[start : start + 7])
        names = [b"%d" % label for label in part]
        keys, counts = np.array(list(part), dtype=np.uint64), np.array(list(part.values())).reshape(-1, 1)
        table.add_keyed(keys, counts, lambda new, names=names: [names[place] for place in new.tolist()])  # type: ignore[misc]
    assert table.rows() == _counted(labels, keep=keep).rows()
    assert table.error == _counted(labels, keep=keep).error


def test_long_labels_do_not_take_more_room_than_they_may() -> None:
    table = HeavyHitters(keep=1000, key_bytes=10_000)
    for number in range(400):
        table.add([b"%d" % number * 100], np.array([[1]]))
    assert sum(len(label) for label, _ in table.rows()) <= 20_000


def test_merged_histograms_are_those_of_all_values() -> None:
    values = np.random.default_rng(1).lognormal(-3, 2, 3000)
    whole, first, second = Histograms(), Histograms(), Histograms()
    whole.add(values)
    first.add(values[:1000])
    second.add(values[1000:])
    first.merge(second)
    assert (first.counts == whole.counts).all()
    for told, exact in zip(first.quantiles((0.5, 0.95, 0.99)), np.percentile(values, (50, 95, 99)), strict=True):
        assert told is not None
        assert abs(told - exact) <= 0.005 * exact


def test_groups_are_counted_apart() -> None:
    sketch = Histograms(3)
    sketch.add(np.array([1.0, 2.0, np.nan, 4.0]), np.array([0, 2, 2, 2]))
    assert sketch.counts.sum(axis=1).tolist() == [1, 0, 2]
    assert sketch.sums.tolist() == [1.0, 0.0, 6.0]
    assert sketch.quantiles((0.5,), 1) == (None,)


def _counted(labels: list[int], *, keep: int) -> HeavyHitters:
    table = HeavyHitters(keep=keep)
    for start in range(0, len(labels), 7):
        part = Counter(b"%d" % label for label in labels[start : start + 7])
        table.add(list(part), np.array(list(part.values()), dtype=np.int64).reshape(-1, 1))
    return table
