"""The tree of a plan, as it is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perfctl.db.findings import examine
from perfctl.db.model.plans import PlanReport
from perfctl.db.plans import read_any, read_plan
from perfctl.db.plans.difference import compare
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("db")
PLANS = Path(__file__).parents[1] / "fixtures" / "db"


def plan(name: str) -> object:
    report = read_plan((PLANS / f"plan_{name}.json").read_text(), sql="SELECT *\nFROM o ORDER BY amount, note")
    return replace(report, findings=examine(report))


def saved(name: str) -> PlanReport:
    return read_any((PLANS / "saved" / f"{name}.txt").read_bytes())


ANSWERS = {
    "difference": compare(saved("15_join_text_bare"), saved("18_workers_json_border_1")),
    "workers": saved("18_workers_json_border_1"),
    "spill": plan("sort_spill_18"),
    "parallel": plan("parallel_15"),
    "cte": plan("cte_15"),
    "estimate": read_plan('[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "t", "Plan Rows": 7}}]', sql="TABLE t"),
}


def drawn(name: str, output: str, width: int = 80) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("db", "slow"))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_drawing_is_the_golden_one(name: str, width: int) -> None:
    text = drawn(name, "table", width)
    assert text == _golden(f"{name}-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("name", ANSWERS)
def test_plain_text_is_the_golden_one(name: str) -> None:
    text = drawn(name, "plain")
    assert text == _golden(f"{name}-plain.txt", text)
    assert "\x1b" not in text
