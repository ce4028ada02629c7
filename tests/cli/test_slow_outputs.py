"""Slow queries and their history, as they are drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perfctl.db.model.history import HistoryListing, Pruned, Recorded, Recording
from perfctl.db.model.statements import SlowQueries, SlowQuery
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("db")
AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def query(text: str, calls: int, mean_ms: float, share: float, **more: int) -> SlowQuery:
    return SlowQuery(
        query=text,
        fingerprint="0123456789abcdef",
        queryid="-7312345678901234567",
        database="trading",
        username="app",
        toplevel=True,
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
        temp_bytes=more.get("temp_blks", 0) * 8192,
        io_ms=None,
        wal_bytes=0,
    )


SLOW = SlowQueries(
    rows=(
        query(
            "SELECT day, rank() OVER (PARTITION BY day ORDER BY volume DESC)\nFROM prices",
            12,
            1250.4,
            0.7,
            temp_blks=9000,
        ),
        query("SELECT id, side, status, quantity, placed_at FROM orders WHERE user_id = $1 " * 3, 90_123, 0.05, 0.21),
        query("/* app:web */ SELECT 'ü', '東京' FROM stocks", 1, 3.0, 0.0001),
    ),
    total=41,
    by="total",
    database="trading",
    server="db.example.com:5432",
    source="pg_stat_statements",
    since=AT,
    until=datetime(2026, 1, 9, 15, 4, tzinfo=UTC),
    window_seconds=648_000.0,
    total_ms=21_435.0,
    evicted=3,
    unreadable=7,
    unreadable_ms=12_000.0,
    notes=(
        "the server's table of 5000 shapes was full 3 times, and lost the least used: "
        "raise pg_stat_statements.max to lose fewer",
        '7 statements of other roles, 12.0 s, cannot be seen: GRANT pg_read_all_stats TO "reader";',
    ),
)
RECORDING = Recording(
    recorded=True,
    is_first=False,
    file="/var/lib/perfctl/history/prod.sqlite",
    at=AT,
    covers_seconds=600.0,
    statements=5000,
    changed=312,
    calls=90_123,
    total_ms=21_435.0,
    new_texts=4,
    unreadable=0,
    pruned=1,
    events=("the server was restarted at 2026-01-02 03:00:00",),
)

ANSWERS = {
    "slow": SLOW,
    "slow-temp": replace(SLOW, by="temp", notes=()),
    "slow-history": replace(SLOW, source="history", method="60 recordings of pg_stat_statements", database=""),
    "slow-recorder": replace(
        SLOW, source="recorder", server="this process", database="", since=None, until=None, window_seconds=None,
        by="p95", method="the last 1000 executions through perfctl in this process", notes=(),
        rows=(replace(SLOW.rows[0], p95_ms=2100.0, failed=1, cached=3),),
    ),
    "slow-none": replace(SLOW, rows=(), total=0, total_ms=0.0, notes=()),
    "slow-filtered": replace(SLOW, rows=(), total=0, notes=()),
    "recording": RECORDING,
    "recording-first": replace(RECORDING, is_first=True, covers_seconds=None, events=(), pruned=0),
    "recording-late": replace(RECORDING, recorded=False),
    "history": HistoryListing(
        rows=(
            Recorded(
                at=AT, server="db:5432", covers_seconds=600.0, shapes=312, calls=90_123, total_ms=21_435.0,
                events=("pg_stat_statements was reset at 2026-01-02 03:00:00: what was done from 2026-01-02 02:54:00 "
                        "until then is lost",),
            ),
            Recorded(at=AT, server="db:5432", covers_seconds=None, shapes=0, calls=0, total_ms=0.0, events=()),
        ),
        total=4320, file="/var/lib/perfctl/history/prod.sqlite", size_bytes=12_345_678, texts=5_120,
    ),
    "pruned": Pruned(file="/f", removed=1, left=4319, freed_bytes=81_920, dry_run=False),
}  # fmt: skip


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


def test_a_document_has_the_whole_text_of_a_query() -> None:
    assert "FROM prices" in drawn("slow", "json")
    assert SLOW.rows[1].query in drawn("slow", "ndjson")


def test_a_wide_terminal_shows_more() -> None:
    assert "hit" not in drawn("slow", "table", 80)
    assert "hit" in drawn("slow", "table", 120)
