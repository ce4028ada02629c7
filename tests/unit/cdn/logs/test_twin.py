"""Every figure is what a slow, plain reading finds, whatever the log holds."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.logs.columns import read
from perfctl.cdn.logs.counting import Reading
from perfctl.cdn.logs.listing import errors, latency, pops, top
from perfctl.cdn.logs.locations import LogSource
from perfctl.cdn.logs.misses import misses
from perfctl.cdn.logs.report import report
from perfctl.cdn.model.logs import Counted, LogReport
from tests.campaign import campaign
from tests.unit.cdn.logs import twin

WITHIN = 0.0075

_few = {
    b"date": [b"2026-05-01", b"2026-05-02", b"2026-13-01", b"-"],
    b"time": [b"00:00:00", b"12:30:59", b"12:31:00", b"23:59:59", b"24:00:00", b"1:2:3", b"-"],
    b"x-edge-location": [b"FRA56-P1", b"FRA56-P2", b"IAD89-C1", b"XXX1-C1", b"-", b""],
    b"cs-method": [b"GET", b"GET", b"HEAD", b"POST", b"DELETE", b"-"],
    b"x-host-header": [b"www.example.com", b"a.example.com"],
    b"cs-uri-stem": [b"/", b"/a", b"/b/c.js", b"/b/" + b"d" * 70, b"/\xff\x00"],
    b"cs-uri-query": [b"-", b"", b"a=1", b"a=2", b"utm_source=x&b=1", b"&&=&"],
    b"cs(Cookie)": [b"-", b"-", b"s=1", b"s=2"],
    b"sc-status": [b"200", b"200", b"304", b"404", b"503", b"000", b"-", b"20", b"2000", b"abc"],
    b"x-edge-result-type": [b"Hit", b"RefreshHit", b"Miss", b"Miss", b"Error", b"LimitExceeded", b"Redirect", b"-"],
    b"x-edge-response-result-type": [b"Hit", b"RefreshHit", b"Miss", b"Error"],
    b"x-edge-detailed-result-type": [b"Hit", b"Miss", b"Error", b"OriginCommError", b"ClientCommError", b"-"],
}
_numbers = st.one_of(
    st.integers(0, 10**6).map(lambda value: str(value).encode()),
    st.decimals(0, 5000, places=3).map(lambda value: str(value).encode()),
    st.sampled_from([b"-", b"", b"-5", b"+5", b"1e3", b"0", b"0.000", b"9" * 19, b"007", b".", b"1.", b".5", b"nan"]),
)
_hostile = st.binary(max_size=30).map(lambda value: value.replace(b"\t", b"").replace(b"\n", b"").rstrip(b"\r"))
_NUMBERS = (b"sc-bytes", b"time-taken", b"time-to-first-byte")
_names = [*_few, *_NUMBERS, b"c-ip", b"ssl-cipher"]


def _values(name: bytes) -> st.SearchStrategy[bytes]:
    if name in _NUMBERS:
        return _numbers
    return st.sampled_from(_few[name]) if name in _few else st.just(b"-")


@st.composite
def _logs(draw: st.DrawFn) -> bytes:
    """A log of some requests, some of their fields hostile, with lines that are none, under fields in any order."""
    names = draw(st.permutations(_names))
    lines = [b"#Version: 1.0", b"#Fields: " + b" ".join(names)]
    for _ in range(draw(st.integers(0, 16))):
        row = [draw(_values(name)) for name in names]
        if draw(st.integers(0, 9)) == 0:
            row[draw(st.integers(0, len(row) - 1))] = draw(_hostile)
        lines.append(b"\t".join(row))
        if draw(st.integers(0, 9)) == 0:
            lines.append(draw(st.sampled_from([b"", b"#note", b"\t", b"\0" * 9, b"\t".join(row[:-1]), b"#Fields:"])))
        if draw(st.integers(0, 19)) == 0:
            names = draw(st.permutations(_names))
            lines.append(b"#Fields: " + b" ".join(names))
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    return end.join(lines) + draw(st.sampled_from([b"", end]))


@given(_logs())
@campaign(60, 20_000)
def test_a_report_is_what_a_slow_reading_finds(text: bytes) -> None:
    requests, malformed = twin.requests_of(text)
    found = report(Reading(), iter([_source(text)]))
    assert _figures(found) == twin.figures(requests)
    assert found.malformed == malformed
    for name, times in ((b"time-taken", found.time_taken), (b"time-to-first-byte", found.time_to_first_byte)):
        values = twin.times(requests, name)
        assert times.requests == len(values)
        for share, told in ((0.5, times.p50_ms), (0.95, times.p95_ms), (0.99, times.p99_ms)):
            _assert_near(told, twin.quantile(values, share))


@given(_logs())
@campaign(50, 20_000)
def test_reasons_of_misses_are_what_a_slow_reading_finds(text: bytes) -> None:
    requests, _ = twin.requests_of(text)
    found = misses(Reading(), iter([_source(text)]))
    assert {row.reason: row.requests for row in found.rows} == twin.reasons(requests)
    assert found.misses == sum(twin.reasons(requests).values())


@given(_logs())
@campaign(30, 10_000)
def test_lists_add_up_to_what_a_slow_reading_finds(text: bytes) -> None:
    requests, _ = twin.requests_of(text)
    by_bytes = top(Reading(), iter([_source(text)]), by="bytes", of="url")
    assert sum(row.sent_bytes for row in by_bytes.rows) == sum(map(twin.size, requests))
    assert [row.sent_bytes for row in by_bytes.rows] == sorted((row.sent_bytes for row in by_bytes.rows), reverse=True)
    places = pops(Reading(), iter([_source(text)]))
    seen = [one[b"x-edge-location"] for one in requests]
    assert {row.place: row.requests for row in places.rows} == {
        place.decode("utf-8", "backslashreplace"): seen.count(place) for place in seen
    }
    wrong = errors(Reading(), iter([_source(text)]))
    assert wrong.errors == sum(twin.status(one) >= 400 for one in requests)
    slow = latency(Reading(), iter([_source(text)]), by="method")
    assert sum(bucket.requests for bucket in slow.buckets) == slow.overall.requests
    assert sum(row.requests for row in slow.rows) == slow.overall.requests


@given(_logs(), st.integers(0, 400))
@campaign(30, 10_000)
def test_json_and_gzip_tell_the_same_and_a_cut_file_less(text: bytes, cut: int) -> None:
    whole = report(Reading(), iter([_source(text)]))
    packed = gzip.compress(text)
    assert _figures(report(Reading(), iter([_source(packed)]))) == _figures(whole)
    requests, _ = twin.requests_of(text)
    rows = [{name.decode(): value.decode("latin-1") for name, value in one.items()} for one in requests]
    objects = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if rows:
        same = report(Reading(), iter([_source(objects)]))
        assert (same.requests, same.hit_ratio, same.sent_bytes) == (whole.requests, whole.hit_ratio, whole.sent_bytes)
    less = report(Reading(), iter([_source(packed[: max(2, len(packed) - 1 - cut)])]))
    assert less.truncated_files == 1
    assert less.requests <= whole.requests


@given(st.binary(max_size=400))
@campaign(100, 50_000)
def test_no_bytes_are_fatal(text: bytes) -> None:
    if text.startswith(b"PAR1"):
        return
    for prefix in (b"", b"#Fields: a b c\n", b"{", b"\x1f\x8b\x08\0"):
        for block in read(_source(prefix + text)):
            assert block.size >= 0
            assert len(block.codes("a")[0]) == block.size


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_percentiles_of_many_are_within_a_half_percent(share: float) -> None:
    values = [(number * number % 99_991) / 1000 for number in range(20_000)]
    text = b"#Fields: time-taken a\n" + b"".join(b"%.3f\t-\n" % value for value in values)
    found = report(Reading(), iter([_source(text)])).time_taken
    told = {0.5: found.p50_ms, 0.95: found.p95_ms, 0.99: found.p99_ms}[share]
    exact = twin.quantile(values, share)
    assert told is not None
    assert exact is not None
    assert abs(told / 1000 - exact) <= 0.005 * exact


def _assert_near(told_ms: float | None, exact: float | None) -> None:
    if told_ms is None or exact is None:
        assert told_ms is exact
    else:
        assert abs(told_ms / 1000 - exact) <= WITHIN * exact + 2e-6


def _figures(found: LogReport) -> dict[str, object]:
    official = found.official
    nothing = not found.requests
    return {
        "requests": found.requests,
        "hit_ratio": found.hit_ratio,
        "origin_request_ratio": found.origin_request_ratio,
        "sent_bytes": found.sent_bytes,
        "bandwidth_saved_ratio": None if nothing else found.bandwidth_saved_ratio,
        "console_hit_ratio": official.console_hit_ratio,
        "bytes_from_misses": official.bytes_from_misses,
        "bytes_from_misses_ratio": official.bytes_from_misses_ratio,
        "cache_hit_rate": official.cache_hit_rate,
        "errors_4xx": found.errors_4xx,
        "errors_5xx": found.errors_5xx,
        "results": _counts(found.results),
        "statuses": _counts(found.statuses),
        "urls": {_raw(row.name): row.requests for row in found.rows},
        "hours": {int(row.at.timestamp()) // 3600: row.requests for row in found.hours},
    }


def _counts(rows: tuple[Counted, ...]) -> dict[bytes, int]:
    return {_raw(row.name): row.requests for row in rows}


def _raw(name: str) -> bytes:
    """The bytes that a label was."""
    return name.encode("utf-8").decode("unicode_escape").encode("latin-1") if "\\x" in name else name.encode()


def _source(text: bytes) -> LogSource:
    return LogSource("a.log", len(text), lambda: nullcontext(io.BytesIO(text)))
