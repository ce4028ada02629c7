"""Sizes as they are written."""

from __future__ import annotations

import pytest

from perfctl.cache.simulate.size import ladder, parse_size
from perfctl.errors import UsageError


@pytest.mark.parametrize(
    ("text", "unit", "capacity"),
    [
        ("5000", "entries", 5000),
        ("1%", "%", 138),
        ("0.1%", "%", 14),
        (" 10 % ", "%", 1376),
        ("0.00001%", "%", 1),
        ("100%", "%", 13756),
        ("64MB", "bytes", 64_000_000),
        ("1.5 KiB", "bytes", 1536),
        ("2gb", "bytes", 2_000_000_000),
        ("7b", "bytes", 7),
    ],
)
def test_a_size_is_entries_a_share_or_bytes(text: str, unit: str, capacity: int) -> None:
    size = parse_size(text)
    assert (size.text, size.unit, size.capacity(13756)) == (text, unit, capacity)


@pytest.mark.parametrize("text", ["", "0", "0%", "-1", "1.5", "1e3", "ten", "5 TB", "1%%", "%", "٣", "9" * 30])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_size(text)
    assert repr(text) in error.value.message


def test_a_ladder_has_only_sizes_that_differ_and_hold_two_entries() -> None:
    assert [size.text for size in ladder(100_000)][:3] == ["0.1%", "0.2%", "0.5%"]
    assert [size.capacity(100) for size in ladder(100)] == [2, 5, 10, 20, 50]
    assert [size.text for size in ladder(1)] == ["100%"]
