"""Traces for tests."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from hypothesis import strategies as st

from perfctl.cache.simulate.trace import Trace

KEYS = st.lists(st.integers(0, 12), min_size=1, max_size=200)


def traced(keys: Sequence[object], sizes: Sequence[int] | None = None) -> Trace:
    """A trace of these requests."""
    numbers: dict[object, int] = {}
    numbered = array("I", [numbers.setdefault(key, len(numbers)) for key in keys])
    return Trace("t", numbered, len(numbers), len(keys), sizes=array("Q", sizes) if sizes else None)
