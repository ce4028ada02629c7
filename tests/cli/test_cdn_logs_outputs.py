"""What access logs tell, as it is drawn: 80 and 120 columns, and plain."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from perfctl.cdn.model.logs import (
    Counted,
    ErrorRow,
    HourRow,
    LatencyBucket,
    LatencyRow,
    LogErrors,
    LogLatency,
    LogMisses,
    LogPlaces,
    LogReport,
    LogStats,
    LogTop,
    MissReason,
    OfficialRatios,
    PlaceRow,
    Quantiles,
    QueryParameter,
    TopRow,
)
from perfctl.render.cdn import LATER
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("cdn_logs")

FACTS: dict[str, Any] = {
    "requests": 1_204_311,
    "malformed": 12,
    "left_out": 340,
    "files": 24,
    "truncated_files": 1,
    "bytes_read": 130_000_000,
    "first_at": datetime(2026, 5, 1, 0, 0, 3, tzinfo=UTC),
    "last_at": datetime(2026, 5, 2, 7, 59, 58, tzinfo=UTC),
}
STATS: dict[str, Any] = {
    **FACTS,
    "hit_ratio": 0.463,
    "origin_request_ratio": 0.653,
    "bandwidth_saved_ratio": 0.558,
    "sent_bytes": 34_000_000_000,
    "requests_per_second": 10.46,
    "errors_4xx": 5_400,
    "errors_5xx": 1_820,
    "error_ratio": 0.006,
    "official": OfficialRatios(0.335, 15_000_000_000, 0.442, 0.469),
    "time_taken": Quantiles(1_204_311, 110.2, 101.0, 283.4, 1377.0),
    "time_to_first_byte": Quantiles(0, None, None, None, None),
}
HOURS = tuple(
    HourRow(datetime(2026, 5, 1, hour, tzinfo=UTC), 1000 * (hour + 1), 0.5, 10 * hour, 10**9) for hour in (0, 1, 2, 5)
)
EUROPE = PlaceRow("Europe", None, "Europe", 900_000, 0.75, 0.458, 588, 27_800_000_000, 135.1, 256.2, 1359.0)
AMERICA = PlaceRow("North America", None, "North America", 304_311, 0.25, 0.481, 0, 6_270_000_000, 70.2, 202.0, 300.4)
FRANKFURT = PlaceRow("FRA56-P1", "Frankfurt", "Europe", 900_000, 0.75, 0.458, 588, 27_800_000_000, 135.1, 256.2, 1359.0)
UNKNOWN = PlaceRow("XXX1-C1", None, "elsewhere", 12, 0.00001, None, 0, 900, None, None, None)
SCRIPT = TopRow("/assets/indigo-25200.27b17a8d.js", 9_635, 0.032, 0.968, 160, 3_040_000, 15, 183_000_000, 16.3)
STRANGE = TopRow("/img/" + "very-long-" * 9 + "name.webp", 812, 0.003, None, 812, 9_000_000, 0, 9_000_000, None)

ANSWERS = {
    "report": LogReport(
        **STATS,
        results=(Counted("Miss", 626_000, 0.52), Counted("Hit", 404_000, 0.335)),
        statuses=(Counted("200", 1_150_000, 0.955), Counted("503", 1_820, 0.0015)),
        regions=(EUROPE, AMERICA),
        hours=HOURS,
        at_most_too_high=0,
        total=31_749,
        rows=(SCRIPT, STRANGE),
    ),
    "stats": LogStats(**STATS),
    "nothing": LogStats(
        **{
            **STATS,
            **dict.fromkeys(FACTS, 0),
            "first_at": None,
            "last_at": None,
            "hit_ratio": None,
            "origin_request_ratio": None,
            "bandwidth_saved_ratio": None,
            "requests_per_second": None,
            "error_ratio": None,
            "official": OfficialRatios(None, 0, None, None),
            "time_taken": Quantiles(0, None, None, None, None),
        }
    ),
    "top": LogTop(
        **FACTS, by="misses", of="url", at_most_too_high=24, total=200_000, has_more=True, rows=(STRANGE, SCRIPT)
    ),
    "pops": LogPlaces(**FACTS, by="pop", total=2, rows=(FRANKFURT, UNKNOWN)),
    "misses": LogMisses(
        **FACTS,
        misses=630_000,
        miss_ratio=0.523,
        sampled_ratio=0.5,
        parameters=(QueryParameter("utm_campaign", "tracking", 14_976, 5), QueryParameter("_", "cache buster", 9, 9)),
        rows=(
            MissReason("first at this edge location", 311_000, 0.494, "/ocean/0/", "Origin Shield answers for all"),
            MissReason("never asked twice", 73_000, 0.116, None, "nothing else could have hit"),
        ),
    ),
    "errors": LogErrors(
        **FACTS,
        errors=7_220,
        error_ratio=0.006,
        hours=HOURS,
        rows=(
            ErrorRow(
                "502",
                231,
                0.0002,
                "bad gateway",
                (Counted("OriginCommError", 231, 1.0),),
                (Counted("/assets/indigo-25200.27b17a8d.js", 8, 0.03), Counted("/", 6, 0.02)),
                (Counted("FRA56-P1", 31, 0.13),),
            ),
            ErrorRow("000", 3, 0.0, "the viewer left before an answer", (), (), ()),
        ),
    ),
    "latency": LogLatency(
        **FACTS,
        of="time-taken",
        by="path",
        overall=STATS["time_taken"],
        buckets=(LatencyBucket(0, 1, 9_000), LatencyBucket(1, 2, 0), LatencyBucket(2, 4, 27_000)),
        total=1,
        rows=(LatencyRow("/api/*", 27_000, 0.75, 210.0, 201.0, 383.4, 1377.0),),
    ),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_drawing_is_the_golden_one(name: str, width: int) -> None:
    text = _drawn(name, "table", width)
    assert all(len(line) <= width for line in text.splitlines())
    assert text == _golden(f"{name}-{width}.txt", text)


@pytest.mark.parametrize("name", ANSWERS)
def test_plain_text_is_the_golden_one(name: str) -> None:
    text = _drawn(name, "plain", 80)
    assert text == _golden(f"{name}-plain.txt", text)


def test_every_kind_of_answer_has_a_drawing_and_a_golden_one() -> None:
    known = {kind for kind in LATER if kind.startswith("perfctl.cdn.model.logs.")}
    assert known == {f"{type(answer).__module__}.{type(answer).__name__}" for answer in ANSWERS.values()}


def _drawn(name: str, output: str, width: int) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("cdn", "logs", name))
