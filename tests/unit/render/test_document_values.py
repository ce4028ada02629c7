"""Whatever lies in a cache can be shown as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from perfctl.document.envelope import dumps, plain


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_no_number_is_too_large() -> None:
    huge = 10**6000
    shown: list[tuple[Any, str]] = [
        (10**600, str(10**600)),
        (huge, f'"{hex(huge)}"'),
        ({huge: -huge}, f'{{"{hex(huge)}": "{hex(-huge)}"}}'),
        (Decimal("1E+999999999"), '"1E+999999999"'),
        (Decimal("1.5"), "1.5"),
        ({True: 1}, '{"True": 1}'),
    ]
    for value, text in shown:
        assert dumps(plain(value)) == text


def test_nothing_nests_too_deep() -> None:
    assert dumps(plain(nested(20))) == "[" * 21 + "]" * 21
    assert dumps(plain(nested(400))).strip("[]") == '"..."'
