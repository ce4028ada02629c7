"""JSON loses blanks and nothing else, or stays as it is."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.content.json_text import compacted, is_json
from tests.campaign import campaign

LEFT_ALONE = {
    "not a number": b'{"a": NaN}',
    "infinity": b"[1, -Infinity]",
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "another encoding": '{"a": "é"}'.encode("utf-16"),
    "bytes that are no UTF-8": b'{"a": "\xff"}',
    "a comment": b'{"a": 1} // b',
    "a comma too much": b"[1, 2, ]",
    "two texts": b'{"a": 1} {"b": 2}',
    "single quotes": b"{'a': 1}",
    "a blank that JSON has not": b'{"a":\x0b1}',
    "a line break in a string": b'{"a": "b\nc"}',
    "an open string": b'{"a": "b',
    "open strings without end": b'\\"' * 200_000,
    "a string that ends in half an escape": b'{"a": "b\\',
    "numbers that a blank parts": b"[1 2]",
    "words that a blank parts": b"[true false]",
    "nothing": b"",
    "too deep for any parser": b"[ " * 100_000 + b"]" * 100_000,
}

KEPT = {
    "keys that stand twice": (b'{"a": 1, "a": 2}', b'{"a":1,"a":2}'),
    "a fraction of nothing": (b"[ 1.0, 1.50 ]", b"[1.0,1.50]"),
    "beyond any float": (b"[ 1e400 , -1E+400 ]", b"[1e400,-1E+400]"),
    "minus nothing": (b"[ -0, -0.0 ]", b"[-0,-0.0]"),
    "a very long integer": (b"[ " + b"9" * 20_000 + b" ]", b"[" + b"9" * 20_000 + b"]"),
    "half a surrogate pair": (rb'[ "\ud800", "\u0041" ]', rb'["\ud800","\u0041"]'),
    "blanks in strings": (b'{ "a b" : " \\" \\\\" }', b'{"a b":" \\" \\\\"}'),
    "a slash that is escaped": (rb'[ "\/" ]', rb'["\/"]'),
    "beyond ASCII": ('[ "é 漢" ]'.encode(), '["é 漢"]'.encode()),
    "a bare value": (b" 1 \n", b"1"),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_no_strict_parser_takes_is_left_alone(name: str) -> None:
    assert compacted(LEFT_ALONE[name]) == LEFT_ALONE[name]


@pytest.mark.parametrize("name", KEPT)
def test_every_token_stays_as_it_is_written(name: str) -> None:
    content, wanted = KEPT[name]
    assert compacted(content) == wanted


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@campaign(150, 10_000)
@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_compact_json_has_the_tokens_of_its_source(value: object, indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    made = compacted(text)
    assert _tokens(made) == _tokens(text)
    assert len(made) <= len(text)
    if _is_finite(value) and b"\xed" not in text:
        assert made == json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only).encode()


@campaign(150, 20_000)
@given(st.text(alphabet='{}[]":,\\ \n\t0123456789.eE+-truefalsnN\ufeff', max_size=40).map(str.encode))
def test_nonsense_loses_no_token(content: bytes) -> None:
    assert _tokens(compacted(content)) == _tokens(content)


def _tokens(content: bytes) -> list[bytes]:
    """By another hand than that of the code: strings, and runs of what is neither blank nor a mark."""
    return re.findall(rb'"(?:[^"\\]|\\.)*"?|[{}\[\]:,]|[^\s{}\[\]:,"]+', content, re.DOTALL)


def _is_finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(_is_finite(inner) for inner in value.values())
    return all(_is_finite(inner) for inner in value) if isinstance(value, list) else True


@pytest.mark.parametrize(
    ("media", "taken"),
    [
        ("application/json", True),
        ("APPLICATION/LD+JSON; charset=utf-8", True),
        ("text/json", True),
        ("application/x-ndjson", False),
        ("application/json-seq", False),
        ("application/geo+json-seq", False),
        ("text/html", False),
        ("", False),
    ],
)
def test_only_one_json_text_is_compacted(media: str, taken: bool) -> None:
    assert is_json(media) is taken
