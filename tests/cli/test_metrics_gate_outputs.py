"""How budgets and comparisons look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perfctl.metrics.budgets.checking import BudgetRow, BudgetsChecked
from perfctl.metrics.comparing.comparing import judged
from perfctl.metrics.comparing.model import Pair
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("metrics")

CHECKED = BudgetsChecked(
    "breach",
    "history",
    900.0,
    (
        BudgetRow(
            "queries",
            "p95(db.query.duration) < 50ms for 5m",
            "breach",
            "page",
            0.0821,
            "<",
            0.05,
            "s",
            "82.1 ms over 6 min, should be < 50.0 ms",
            300.0,
            1_000_000.0,
            "budgets.yaml:4:12",
        ),
        BudgetRow(
            "http.error_ratio <= 1%",
            "http.error_ratio <= 1%",
            "no_data",
            "page",
            None,
            "<=",
            0.01,
            "ratio",
            "nothing was recorded of http.request.duration",
        ),
        BudgetRow(
            "cache.hit_ratio{namespace=api} >= 0.95",
            "cache.hit_ratio{namespace=api} >= 0.95",
            "pass",
            "page",
            0.971,
            ">=",
            0.95,
            "ratio",
            "97.1 % over 15 min, should be >= 95 %",
        ),
    ),
)
COMPARED = judged(
    [Pair(0.1, 0.1 * (1.02 + step / 200), 0.02 + step / 200, "ab"[step % 2]) for step in range(30)],  # type: ignore[arg-type]
    a="./bench main",
    b="./bench branch",
    measure="cpu",
    allow=0.01,
    detect=0.1,
    seed=7,
)


@pytest.mark.parametrize("output", [("table", 80), ("table", 120), ("plain", 80)])
@pytest.mark.parametrize(("name", "answer"), [("check", CHECKED), ("compare", COMPARED)])
def test_a_drawing_is_the_golden_one(name: str, answer: object, output: tuple[Any, int]) -> None:
    drawn = drawn_as(answer, output[0], output[1], words=("metrics", name))
    kept = "plain" if output[0] == "plain" else str(output[1])
    assert drawn == _golden(f"{name}-{kept}.txt", drawn)
    assert output[0] == "plain" or max(len(line) for line in drawn.splitlines()) <= output[1]


def test_what_has_no_data_is_null() -> None:
    rows = json.loads(drawn_as(CHECKED, "json", 80, words=("metrics", "check")))["data"]["rows"]
    assert [row["observed"] for row in rows] == [0.0821, None, 0.971]
