"""What databases count of themselves, as it is drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perfctl.db.model.stats import DatabaseCounts, DatabaseStats, ProcessCounts, WalCounts
from tests.cli.golden_files import drawn_as, golden_of
from tests.cli.test_slow_outputs import SLOW

_golden = golden_of("db")
AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)

COUNTS = DatabaseCounts(
    database="trading", since=AT, connections=12, commits=1_204_311, rollbacks=812, rollback_ratio=0.000674,
    hit_ratio=0.9312, blks_hit=93_120_000, blks_read=6_880_000, rows_scanned=48_112_000, rows_fetched=21_000_400,
    rows_inserted=120_000, rows_updated=40_121, rows_deleted=17, temp_files=31, temp_bytes=1_250_000_000, deadlocks=2,
    conflicts=0, io_ms=81_000.5, calls=2_411_020, calls_ms=1_204_000.0, mean_ms=0.4994, index_scans=2_800_120,
    sequential_scans=1_944, index_use_ratio=0.8812, table_hit_ratio=0.92, index_hit_ratio=0.998,
)  # fmt: skip
STATS = DatabaseStats(
    rows=(COUNTS,),
    server="db.example.com:5432",
    version="18.6",
    at=AT,
    started=AT,
    window_seconds=None,
    wal=WalCounts(since=AT, records=2_550_700, bytes=786_988_600),
    process=ProcessCounts(
        in_use=1, idle=4, waiting=0, created=5, closed=0, waits=3, wait_ms=12.5, executions=1000, failed=2,
        cache_hits=420, cache_hit_ratio=0.42, mean_ms=1.21,
    ),
    queries=(),
    notes=(),
)  # fmt: skip
UNSEEN = replace(
    COUNTS, database="archive", since=None, calls=None, calls_ms=None, mean_ms=None, index_scans=None,
    sequential_scans=None, index_use_ratio=None, table_hit_ratio=None, index_hit_ratio=None, hit_ratio=None, io_ms=None,
)  # fmt: skip
ANSWERS = {
    "stats": STATS,
    "stats-for": replace(STATS, window_seconds=10.0, wal=replace(STATS.wal, bytes=1_048_576, records=None)),
    "stats-unseen": replace(STATS, rows=(UNSEEN,), notes=("calls and times are not known: ...",)),
    "stats-many": replace(STATS, rows=(COUNTS, UNSEEN)),
    "stats-queries": replace(STATS, queries=SLOW.rows),
}


def drawn(name: str, output: str, width: int = 80) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("db", "stats"))


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
