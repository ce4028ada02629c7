"""What was made smaller and what was preloaded, as it is drawn: 80 and 120 columns, and plain."""

from __future__ import annotations

import pytest

from perfctl.cdn.model.content import OptimizedType, OptimizeProblem, OptimizeReport
from perfctl.cdn.model.preloads import PreloadReport, Warmed
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("cdn")

ANSWERS = {
    "optimize": OptimizeReport(
        source="dist",
        written_to="dist",
        manifest="dist/perfctl-content.json",
        dry_run=False,
        files=131,
        written=256,
        up_to_date=4,
        removed=2,
        size_bytes=1_802_345,
        sent_bytes=398_012,
        saved_ratio=0.7792,
        text_saved_ratio=0.7763,
        images_saved_ratio=0.794,
        types=(
            OptimizedType("js", 85, 1_280_000, 286_000, 353_000, 1_280_000, 1_280_000, 286_000, 0.7766),
            OptimizedType("jpg", 2, 340_000, 340_000, 340_000, 76_000, 70_000, 70_000, 0.7941),
            OptimizedType("other", 1, 1_080, 1_080, 1_080, 1_080, 1_080, 1_080, 0.0),
        ),
        problems=(
            OptimizeProblem("current", "a link, not followed"),
            OptimizeProblem("data.json.gz", "is there, and was not made from data.json: kept"),
        ),
    ),
    "optimize-dry": OptimizeReport(
        "dist", "out", None, True, 1, 2, 0, 0, 1000, 250, 0.75, 0.75, None,
        (OptimizedType("css", 1, 1000, 250, 300, 1000, 1000, 250, 0.75),), (),
    ),
    "optimize-nothing": OptimizeReport("dist", "dist", "m", False, 0, 0, 0, 0, 0, 0, 0.0, None, None, (), ()),
    "preload": PreloadReport(
        5,
        2,
        2,
        (
            Warmed("/broken", "gzip", 503, "error", False, 120, 4.2, "the edge answered 503"),
            Warmed("/slow", "br", None, "error", False, 0, 0.0, "GET https://d1.net/slow: no answer", "FRA56-P3"),
            Warmed("/me", "br", 200, "miss", False, 90, 3.1, why_not_kept="Cache-Control: private", via_pop="FRA56-P3"),
            Warmed("/app.js", "br", 200, "miss", True, 36520, 12.1, via_pop="FRA56-P3"),
            Warmed("/old", "br", 200, "hit", True, 800, 2.0, redirected_to="https://d1.net/new", via_pop="FRA56-P3"),
        ),
        requests=9,
        size_bytes=37_530,
        took_seconds=0.204,
    ),
    "preload-nothing": PreloadReport(0, 0, 0, ()),
}  # fmt: skip


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


def _drawn(name: str, output: str, width: int) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("cdn", name.partition("-")[0]), limit=20)
