"""What access logs tell, found the slow way: a line at a time, in plain Python."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

Request = dict[bytes, bytes]

_HITS = (b"Hit", b"RefreshHit")
_FAILED = (b"Error", b"LimitExceeded", b"CapacityExceeded")
_NOT_ORIGINS = (b"Client", b"Invalid", b"Function", b"Lambda", b"ViewerProtocol", b"Abort")


def requests_of(text: bytes) -> tuple[list[Request], int]:
    """The requests of a log of tabs, and how many lines are none."""
    names: list[bytes] = []
    found, malformed = [], 0
    for line in text.split(b"\n"):
        bare = line.removesuffix(b"\r")
        if bare.startswith(b"#Fields:"):
            names = bare.partition(b":")[2].split() or names
        if not bare or bare.startswith(b"#"):
            continue
        values = bare.split(b"\t")
        if len(values) == len(names):
            found.append(dict(zip(names, values, strict=True)))
        else:
            malformed += 1
    return found, malformed


def integer(text: bytes) -> int:
    """-1 for what is none."""
    return int(text) if re.fullmatch(rb"[0-9]{1,18}", text) else -1


def number(text: bytes) -> float | None:
    """None for what is none."""
    if not re.fullmatch(rb"[0-9]*\.?[0-9]*", text) or not 1 <= len(text.replace(b".", b"")) <= 18:
        return None
    return float(text)


def second(request: Request) -> int:
    """-1 for no time."""
    try:
        day = datetime.strptime(request[b"date"].decode("ascii"), "%Y-%m-%d").replace(tzinfo=UTC)
        clock = request[b"time"]
        if len(request[b"date"]) != 10 or not re.fullmatch(rb"[0-9]{2}:[0-9]{2}:[0-9]{2}", clock) or day.year < 1970:
            return -1
        hours, minutes, seconds = (int(part) for part in clock.split(b":"))
        if hours > 23 or minutes > 59 or seconds > 59:
            return -1
        return int(day.timestamp()) + hours * 3600 + minutes * 60 + seconds
    except ValueError:
        return -1


def status(request: Request) -> int:
    """0 for none."""
    return int(request[b"sc-status"]) if re.fullmatch(rb"[0-9]{3}", request[b"sc-status"]) else 0


def size(request: Request) -> int:
    """0 for none."""
    return max(integer(request[b"sc-bytes"]), 0)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Interpolated between ranks."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def figures(requests: Sequence[Request]) -> dict[str, object]:
    """Everything of a report that is exact."""
    result, response = b"x-edge-result-type", b"x-edge-response-result-type"
    hits = [one for one in requests if one[result] in _HITS]
    missed = [one for one in requests if one[result] == b"Miss"]
    origin = [
        one
        for one in requests
        if one[result] in (b"Miss", b"RefreshHit")
        or (one[result] == b"Error" and not one[b"x-edge-detailed-result-type"].startswith(_NOT_ORIGINS))
    ]
    cacheable = [
        one
        for one in requests
        if one[b"cs-method"] not in (b"POST", b"PUT", b"PATCH", b"DELETE")
        and one[result] not in _FAILED
        and status(one) < 400
    ]
    sent, miss_bytes = sum(map(size, requests)), sum(map(size, missed))
    return {
        "requests": len(requests),
        "hit_ratio": _ratio(len(hits), len(requests)),
        "origin_request_ratio": _ratio(len(origin), len(requests)),
        "sent_bytes": sent,
        "bandwidth_saved_ratio": _ratio(sum(map(size, hits)), sent),
        "console_hit_ratio": _ratio(sum(one[response] == b"Hit" for one in requests), len(requests)),
        "bytes_from_misses": miss_bytes,
        "bytes_from_misses_ratio": _ratio(miss_bytes, sent),
        "cache_hit_rate": _ratio(sum(one[result] in _HITS for one in cacheable), len(cacheable)),
        "errors_4xx": sum(400 <= status(one) < 500 for one in requests),
        "errors_5xx": sum(status(one) >= 500 for one in requests),
        "results": Counter(one[result] for one in requests),
        "statuses": Counter(one[b"sc-status"] for one in requests),
        "urls": Counter(one[b"cs-uri-stem"] for one in requests),
        "hours": Counter(second(one) // 3600 for one in requests if second(one) >= 0),
    }


def times(requests: Iterable[Request], name: bytes) -> list[float]:
    """Seconds."""
    return [value for one in requests if (value := number(one[name])) is not None]


def reasons(requests: Sequence[Request]) -> Counter[str]:
    """Why requests missed."""
    found: Counter[str] = Counter()
    history = []
    for one in requests:
        if one[b"x-edge-result-type"] in _FAILED:
            found["error"] += 1
        elif one[b"cs-method"] not in (b"GET", b"HEAD", b"OPTIONS", b"-"):
            found["method not cacheable"] += one[b"x-edge-result-type"] == b"Miss"
        else:
            history.append(one)
    history.sort(key=second)
    times_asked = Counter(map(_url, history))
    paths: set[object] = set()
    urls: set[object] = set()
    cookies: dict[object, bytes] = defaultdict(bytes)
    for one in history:
        path, url, spot = _url(one)[:2], _url(one), (*_url(one), one[b"x-edge-location"])
        if one[b"x-edge-result-type"] == b"Miss":
            found[_reason(one, path in paths, url in urls, times_asked[url], cookies.get(spot))] += 1
        paths.add(path)
        urls.add(url)
        cookies[spot] = one[b"cs(Cookie)"]
    return +found


def _reason(one: Request, path_before: bool, url_before: bool, asked: int, cookie: bytes | None) -> str:
    if not url_before:
        if path_before and one[b"cs-uri-query"] not in (b"-", b""):
            return "another query string"
        return "never asked twice" if asked == 1 else "first request in the log"
    if cookie is None:
        return "first at this edge location"
    now = one[b"cs(Cookie)"]
    return "another cookie" if now not in (cookie, b"-") else "asked again after it expired"


def _url(one: Request) -> tuple[bytes, bytes, bytes]:
    return one[b"x-host-header"], one[b"cs-uri-stem"], one[b"cs-uri-query"]


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
