"""Replies: the envelope of a command, or an error, as bytes with the headers that every reply has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.responses import Response

from perfctl.api.snapshot import Known
from perfctl.document.envelope import Meta, dumps, envelope, shorten
from perfctl.document.failure import error_fields, without_secrets
from perfctl.errors import PerfctlError

JSON = "application/json"
GUARDING: tuple[tuple[str, str], ...] = (
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)
"""What stands in the head of every reply that does not say otherwise itself."""


def reply(content: bytes, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """JSON with the headers of every reply."""
    return Response(content, status, {**dict(GUARDING), **(headers or {})}, JSON)


def document(
    words: tuple[str, ...],
    result: object,
    *,
    context: str,
    warnings: Sequence[str] = (),
    took_ms: float = 0.0,
    limit: int | None = None,
) -> bytes:
    """The document that the command of these words prints with `-o json`."""
    shown_result, total, shown = shorten(result, limit)
    meta = Meta(context, total, shown, truncated=shown < total, took_ms=round(took_ms, 3))
    return encoded(envelope(words, shown_result, meta, tuple(without_secrets(text) for text in warnings)))


def failure(error: PerfctlError, *, headers: Mapping[str, str] | None = None) -> Response:
    """`{"error": ...}` with the error's status; with 429, when to come again."""
    waits = {"retry-after": "60"} if error.http_status == 429 else {}
    return reply(encoded({"error": error_fields(error)}), error.http_status, headers={**waits, **(headers or {})})


def encoded(value: Any) -> bytes:
    """JSON in UTF-8; numbers and text that msgspec does not take are written as the command writes them."""
    try:
        return msgspec.json.encode(value)
    except (OverflowError, UnicodeEncodeError):
        return dumps(value).encode("utf-8", "backslashreplace")


def what_is_missing(known: Known, part: str) -> list[str]:
    """One warning where the last question had no answer: what, since when, why, and how old the figures are."""
    if known.error is None:
        return [] if known.was_asked else [f"{part}: asked now, and there is no answer yet"]
    since = f" since {moment_of(known.since)}" if known.since is not None else ""
    age = f"; the figures are of {moment_of(known.at)}" if known.at is not None else "; nothing is known of it"
    return [f"{part}: no answer{since}: {known.error.message}{age}"]


def moment_of(at: float | None) -> str:
    """A time in ISO 8601, in UTC, to the second."""
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
