"""The table of slow queries and the tree of a plan, as they are drawn."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.plans import read_plan
from perfctl.render.show import show
from tests.cli.golden_files import golden_of

_golden = golden_of("db")
PLANS = Path(__file__).parents[1] / "fixtures" / "db"


def query(text: str, calls: int, mean_ms: float, share: float, **more: int) -> SlowQuery:
    return SlowQuery(
        query=text,
        fingerprint="0123456789abcdef",
        queryid="-7312345678901234567",
        username="app",
        calls=calls,
        total_ms=calls * mean_ms,
        share=share,
        mean_ms=mean_ms,
        min_ms=mean_ms / 2,
        max_ms=mean_ms * 3,
        stddev_ms=mean_ms / 4,
        rows=more.get("rows", 1),
        shared_hit_ratio=0.97,
        shared_hit_blks=970,
        shared_read_blks=30,
        shared_dirtied_blks=0,
        shared_written_blks=0,
        temp_blks=more.get("temp_blks", 0),
        io_ms=None,
        wal_bytes=0,
    )


SLOW = SlowQueries(
    rows=(
        query("SELECT day, rank() OVER (PARTITION BY day ORDER BY volume DESC)\nFROM prices", 12, 1250.4, 0.7),
        query("SELECT id, side, status, quantity, placed_at FROM orders WHERE user_id = $1 " * 3, 90_123, 0.05, 0.21),
        query("SELECT 'ü', '東京' FROM stocks", 1, 3.0, 0.0001),
    ),
    total=41,
    by="total",
    database="trading",
    source="pg_stat_statements",
    since=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    total_ms=21_435.0,
    evicted=3,
    unreadable=0,
)


def plan(name: str) -> object:
    return read_plan((PLANS / f"plan_{name}.json").read_text(), sql="SELECT *\nFROM o ORDER BY amount, note")


ANSWERS = {
    "slow": SLOW,
    "spill": plan("sort_spill_18"),
    "parallel": plan("parallel_15"),
    "cte": plan("cte_15"),
    "estimate": read_plan('[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "t", "Plan Rows": 7}}]', sql="TABLE t"),
}


def drawn(name: str, output: str, width: int = 80) -> str:
    return show(
        ANSWERS[name],
        words=("db", "slow"),
        output=output,  # type: ignore[arg-type]
        context="prod",
        limit=None,
        took_ms=1.0,
        width=width,
    )


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


def test_a_document_has_the_whole_text_of_a_query() -> None:
    assert "FROM prices" in drawn("slow", "json")
    assert SLOW.rows[1].query in drawn("slow", "ndjson")
