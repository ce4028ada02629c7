"""What of an answer a viewer gets."""

from __future__ import annotations

import pytest

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.http import Request
from perfctl.sandbox.edge.viewer import tailored

HELD = Headers((("ETag", 'W/"v1"'), ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"), ("Content-Type", "text/css")))


def ask(method: str = "GET", **fields: str) -> Request:
    return Request(
        method, "/", headers=Headers(tuple((name.replace("_", "-"), value) for name, value in fields.items()))
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"if_none_match": '"v1"'}, 304),
        ({"if_none_match": 'W/"v1", "v2"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"v2"'}, 200),
        ({"if_none_match": '"v2"', "if_modified_since": "Thu, 01 Jan 2026 00:00:00 GMT"}, 200),
        ({"if_modified_since": "Thu, 01 Jan 2026 00:00:00 GMT"}, 304),
        ({"if_modified_since": "Wed, 31 Dec 2025 23:59:59 GMT"}, 200),
        ({"if_modified_since": "yesterday"}, 200),
    ],
)
def test_an_unchanged_answer_is_a_304(fields: dict[str, str], status: int) -> None:
    assert tailored(ask(**fields), 200, HELD, b"body").status == status


@pytest.mark.parametrize(
    ("span", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=3-1", 416, b"", "bytes */10"),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("items=0-1", 200, b"0123456789", None),
    ],
)
def test_a_range_is_cut_out(span: str, status: int, body: bytes, content_range: str | None) -> None:
    answer = tailored(ask(range=span), 200, HELD, b"0123456789")
    assert (answer.status, answer.body, answer.headers.get("content-range")) == (status, body, content_range)


def test_a_range_of_another_version_gives_all_of_this_one() -> None:
    assert tailored(ask(range="bytes=0-1", if_range='"old"'), 200, HELD, b"0123").status == 200


def test_an_answer_to_a_post_is_never_narrowed() -> None:
    assert tailored(ask("POST", if_none_match="*"), 200, HELD, b"body").status == 200
