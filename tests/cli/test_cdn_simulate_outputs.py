"""Simulations, made-up logs and metrics as they are drawn: 80 and 120 columns, and plain; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfctl.cdn.model.measures import CdnMetric, CdnMetrics, MetricPoint
from perfctl.cdn.model.simulation import CdnSimulation, ContentFit, Corpus, WhatIf
from perfctl.cli.process import run
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("cdn")


def _row(name: str, ttl: float | None, hits: int, asked: int, cost: float, saved: float | None) -> WhatIf:
    return WhatIf(
        name=name,
        ttl_seconds=ttl,
        requests=1_000_000,
        hits=hits,
        refresh_hits=20_000,
        shield_hits=0,
        hit_ratio=(hits + 20_000) / 1_000_000,
        origin_requests=asked,
        origin_request_ratio=asked / 1_000_000,
        origin_bytes=asked * 21_000,
        shield_requests=0,
        cost_usd=cost,
        saved_usd=saved,
        month_saved_usd=None if saved is None else saved * 90,
    )


def _metric(name: str, unit: str, statistic: str, values: list[float | None], reason: str | None = None) -> CdnMetric:
    told = [value for value in values if value is not None]
    return CdnMetric(
        name=name,
        unit=unit,  # type: ignore[arg-type]
        metric=name.title(),
        statistic=statistic,
        latest=told[-1] if told else None,
        lowest=min(told, default=None),
        highest=max(told, default=None),
        mean=sum(told) / len(told) if told else None,
        total=sum(told) if told and statistic == "Sum" else None,
        reason=reason,
        points=tuple(MetricPoint(f"2026-05-01T10:{at:02d}:00+00:00", value) for at, value in enumerate(values)),
    )


ANSWERS = {
    "simulate": CdnSimulation(
        places=("logs/",),
        requests=1_000_000,
        replayed=970_012,
        malformed=0,
        undated=0,
        hours=8.0,
        caches="location",
        cache_key="path and query",
        has_shield=False,
        idle_seconds=900.0,
        residual=-0.0004,
        agreement=0.9993,
        rows=(
            _row("observed", None, 456_849, 544_156, 8.42, None),
            _row("as it is", None, 456_400, 544_300, 8.42, 0.0),
            _row("TTL 1m", 60.0, 157_000, 830_000, 11.31, -2.89),
            _row("TTL 5m", 300.0, 411_000, 581_000, 8.79, -0.37),
            _row("TTL 1h", 3_600.0, 571_000, 430_000, 7.28, 1.14),
            _row("TTL 1d", 86_400.0, 671_000, 316_000, 6.14, 2.28),
            _row(
                "TTL 1d, query without utm_*, /img/* 30d, Shield in eu-central-1", 86_400.0, 771_000, 96_000, 4.8, 3.6
            ),
        ),
        contents=(
            ContentFit("/assets/*.js", 219_000, None, "beyond", 0.981, 0.981),
            ContentFit("/products/*.html", 149_100, 300.0, "log", 0.542, 0.541),
            ContentFit("/account/*", 39_000, 0.0, "never", 0.0, 0.0),
            ContentFit("/rare/*", 12, 60.0, "all", 0.25, 0.25),
        ),
    ),
    "simulate-nothing": CdnSimulation(
        ("empty/",),
        0,
        0,
        0,
        0,
        0.0,
        "location",
        "path and query",
        False,
        None,
        None,
        None,
        (_row("as it is", None, 0, 0, 0, 0),),
    ),
    "logs-generate": Corpus(
        "made-logs", "v1", 20, 1_000_000, 19_593, 112_319_811, 8.0, 456_849, 147_925, 378_247, 0.6048
    ),
    "metrics": CdnMetrics(
        distribution_id="E2QWRUHAPOMQZL",
        function=None,
        since="2026-05-01T10:00:00+00:00",
        until="2026-05-01T13:00:00+00:00",
        period_seconds=60,
        has_additional=False,
        rows=(
            _metric("requests", "count", "Sum", [1200.0, 1900.0, None, 2400.0, 800.0]),
            _metric("downloaded", "bytes", "Sum", [1.2e9, 1.9e9, None, 2.4e9, 8.1e8]),
            _metric("error_ratio", "ratio", "Average", [0.0, 0.01, None, 0.08, 0.02]),
            _metric("origin_latency_p90", "ms", "p90", [120.0, 140.0, None, 900.0, 130.0]),
            _metric("cache_hit_ratio", "ratio", "Average", [], "not enabled: the additional metrics are off"),
            _metric("error_ratio_404", "ratio", "Average", [], "not enabled: the additional metrics are off"),
            _metric("uploaded", "bytes", "Sum", [], "CloudWatch has nothing of this time"),
        ),
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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("simulate never-was.gz", "there is no such file"),
        ("simulate . --ttl soon", "--ttl: 'soon' is not a duration"),
        ("simulate . --ttl =1h", "there is no pattern before '='"),
        ("simulate . --min-ttl 2h --max-ttl 1h", "--max-ttl is below --min-ttl"),
        ("simulate . --drop-query a --keep-query b", "cannot both be"),
        ("simulate . --drop-query=", "the name of a query parameter is empty"),
        ("simulate . --shield moon", "no region of a Shield"),
        ("logs generate made --span 0s", "--span: 0 is no time"),
        ("metrics --since 1s", "CloudWatch keeps metrics"),
        ("metrics --period 90s", "no period for that time"),
        ("metrics --function=", "--function: the name is empty"),
    ],
)
def test_what_cannot_be_is_refused(
    line: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOUDFRONT_DISTRIBUTION_ID", "E1")
    assert run(["cdn", *line.split()]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_without_logs_it_says_where_they_are_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOUDFRONT_DISTRIBUTION_ID", "E1")
    assert run(["cdn", "simulate"]) == 3
    assert "cdn.logs" in capsys.readouterr().err


def test_logs_that_were_made_up_can_be_simulated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["cdn", "logs", "generate", "made", "--lines", "3000", "--urls", "100", "--form", "v2-json"]) == 0
    assert "3 000" in capsys.readouterr().out
    assert run(["cdn", "simulate", "made", "--ttl", "1h", "--keep-query", "page", "--ignore-cookies"]) == 0
    out = capsys.readouterr().out
    assert "TTL 1h" in out
    assert "residual" in out


def _drawn(name: str, output: str, width: int) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("cdn", name))
