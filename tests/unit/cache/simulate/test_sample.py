"""Sampling: the hash is one to one and even, and what is estimated is near what is true."""

from __future__ import annotations

import random
from array import array
from pathlib import Path

import pytest

from perfctl.cache.simulate.sample import estimated_hits, mixed, scaled, threshold_of
from perfctl.cache.simulate.size import parse_size
from perfctl.cache.simulate.study import simulated, targets
from perfctl.cache.simulate.trace import read_trace

REQUESTS, KEYS = 300_000, 60_000


@pytest.fixture(scope="module")
def zipf(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A trace whose popularity falls as in a web site's log."""
    draw = random.Random(4)
    weights = [1 / (rank + 1) ** 0.8 for rank in range(KEYS)]
    path: Path = tmp_path_factory.mktemp("zipf") / "zipf.u32"
    path.write_bytes(array("I", draw.choices(range(KEYS), weights, k=REQUESTS)).tobytes())
    return str(path)


def test_the_hash_is_one_to_one_and_even() -> None:
    hashes = {mixed(number) for number in range(100_000)}
    assert len(hashes) == 100_000
    assert 9_700 < sum(value < threshold_of(0.1) for value in hashes) < 10_300


def test_a_small_cache_stands_for_a_large_one() -> None:
    assert [scaled(1000, 1), scaled(1000, 0.1), scaled(3, 0.01)] == [1000, 100, 1]


@pytest.mark.parametrize(
    ("hits", "sampled", "estimate"),
    [(50, 100, 500), (40, 90, 500), (70, 130, 400), (0, 300, 0), (200, 100, 1000)],
)
def test_requests_that_a_sample_has_too_few_are_hits(hits: int, sampled: int, estimate: int) -> None:
    assert estimated_hits(hits, sampled=sampled, requests=1000, ratio=0.1) == estimate


def test_the_whole_is_no_estimate() -> None:
    assert estimated_hits(7, sampled=10, requests=10, ratio=1) == 7


def test_an_estimate_is_near_the_truth(zipf: str) -> None:
    sizes = [parse_size(text) for text in ("1000", "5000", "20000")]
    whole, sample = read_trace(zipf), read_trace(zipf, ratio=0.1)
    assert abs(sample.unique_keys / whole.unique_keys - 1) < 0.03
    true, estimated = (simulated(trace, ("lru", "fifo", "opt"), sizes) for trace in (whole, sample))
    assert estimated.sample_ratio == 0.1
    assert [row.requests for row in estimated.rows] == [REQUESTS] * 9
    errors = [abs(a.hit_ratio - b.hit_ratio) for a, b in zip(true.rows, estimated.rows, strict=True)]
    assert max(errors) < 0.04
    assert sum(errors) / len(errors) < 0.02


def test_an_estimated_size_is_near_the_true_one(zipf: str) -> None:
    whole, sample = read_trace(zipf), read_trace(zipf, ratio=0.1)
    (true,), (estimated,) = (targets(t, ("lru",), 0.5, done=simulated(t, ("lru",), ())) for t in (whole, sample))
    assert estimated.capacity == pytest.approx(true.capacity, rel=0.1)
    assert (true.is_exact, estimated.is_exact) == (True, False)
