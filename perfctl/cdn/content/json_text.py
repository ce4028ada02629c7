"""JSON without the blanks between its tokens, where that is proved to change nothing else (pure)."""

from __future__ import annotations

import json
import re

from perfctl.cdn.content.kinds import media_type

_BLANKS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)|[ \t\n\r]+', re.DOTALL)
"""Strings and blanks, in linear time: a string that nobody closes reaches to the end, and nothing is tried twice."""
_SEQUENCES = ("application/json-seq", "application/geo+json-seq")
"""Their line ends are part of them."""


def is_json(content_type: str) -> bool:
    """Whether one JSON text is what the type promises.

    >>> is_json("application/problem+json; charset=utf-8"), is_json("application/x-ndjson")
    (True, False)
    """
    media = media_type(content_type)
    return media in ("application/json", "text/json") or (media.endswith("+json") and media not in _SEQUENCES)


def compacted(content: bytes) -> bytes:
    """The same tokens without the blanks between them; the content itself where that cannot be proved.

    Both texts are parsed, with the numbers left as they are written and every key kept, and must be equal: so that
    a key that stands twice, 1.0, 1e400, -0 and the longest integer stay what they are. What no strict parser takes
    (NaN, a byte order mark, another encoding than UTF-8) is left alone.

    >>> compacted(b'{"a": [1.0, 1e400,  "x y"], "a": -0}')
    b'{"a":[1.0,1e400,"x y"],"a":-0}'
    """
    shorter = _BLANKS.sub(_kept, content)
    if len(shorter) == len(content):
        return content
    try:
        return shorter if _tokens(shorter) == _tokens(content) else content
    except (ValueError, RecursionError):
        return content


def _kept(match: re.Match[bytes]) -> bytes:
    return match[1] or b""


def _tokens(content: bytes) -> object:
    """The parsed text: an object as the tuple of its pairs, a number as the bytes that it is written in, so that all is
    compared in C and nothing equals what is of another kind.
    """
    return json.loads(
        content.decode("utf-8"),
        object_pairs_hook=tuple,
        parse_float=str.encode,
        parse_int=str.encode,
        parse_constant=_refused,
    )


def _refused(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
