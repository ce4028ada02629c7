"""What of a whole answer the viewer asked for: nothing new (304), a part (206), or all of it."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.http import Request, Response

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)


def tailored(request: Request, status: int, headers: Headers, body: bytes) -> Response:
    """The answer to a viewer; only a 200 to GET or HEAD is narrowed."""
    if status != 200 or request.method not in ("GET", "HEAD"):
        return Response(status, headers, body)
    if is_unchanged(request.headers, headers):
        return Response(304, headers.without("content-type", "content-encoding"))
    if request.method == "GET" and (match := _RANGE.fullmatch(_range(request.headers, headers))):
        return _part(match, headers, body)
    return Response(200, headers, body)


def is_unchanged(asked: Headers, held: Headers) -> bool:
    """If-None-Match by weak comparison; without it If-Modified-Since."""
    if (wanted := asked.get("if-none-match")) is not None:
        etag = (held.get("etag") or "").removeprefix("W/")
        candidates = {candidate.strip().removeprefix("W/") for candidate in wanted.split(",")}
        return wanted.strip() == "*" or (bool(etag) and etag in candidates)
    since, modified = _seconds(asked.get("if-modified-since")), _seconds(held.get("last-modified"))
    return since is not None and modified is not None and modified <= since


def _range(asked: Headers, held: Headers) -> str:
    condition = asked.get("if-range")
    if condition is not None and condition not in (held.get("etag"), held.get("last-modified")):
        return ""
    return asked.get("range") or ""


def _part(match: re.Match[str], headers: Headers, body: bytes) -> Response:
    size, first, last = len(body), match[1], match[2]
    if not first and not last:
        return Response(200, headers, body)
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or end < start:
        return Response(416, headers.with_("Content-Range", f"bytes */{size}"))
    return Response(206, headers.with_("Content-Range", f"bytes {start}-{end}/{size}"), body[start : end + 1])


def _seconds(date: str | None) -> float | None:
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
