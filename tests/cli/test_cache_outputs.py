"""What the cache's answers look like, at 80 and at 120 columns, and off a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from perfctl.cache.model import (
    CachedValue,
    Cleared,
    Deleted,
    NamespaceStats,
    Preloaded,
    ServerFacts,
    SharedStats,
    Stored,
)
from perfctl.document.envelope import Output
from perfctl.render.show import show
from tests.cli.golden_files import golden_of

STATS = SharedStats(
    rows=(
        NamespaceStats("api", 1_204_311, 812_000_000, 98_231_002, 4_100_231, 0.9599, 60_000_000, 38_231_002, 1_300_000),
        NamespaceStats("a-namespace-with-a-long-name", 12, 4_096, 7, 7, 0.5, 0, 7, 12),
        NamespaceStats("idle", 3, 300, 0, 0, None, 0, 0, 3),
    ),
    keys=1_204_326,
    size_bytes=812_004_396,
    hits=98_231_009,
    misses=4_100_238,
    hit_ratio=0.9599,
    counted_since="2026-01-02T03:04:05+00:00",
    server=ServerFacts("Valkey", "9.1.0", "standalone", 900_000_000, 2_000_000_000, "allkeys-lru", 1),
)

PRELOADED = Preloaded(
    "n", 9_990, 10, 900_000, 412.0, ("f.jsonl:3: not UTF-8", "f.jsonl:7:2: not JSON: Expecting value")
)

golden = golden_of("cache")


def shown(result: Any, output: Output = "plain", width: int = 80) -> str:
    """The result as a user sees it."""
    return show(result, words=("cache", "x"), output=output, context="prod", limit=None, took_ms=1.0, width=width)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(("name", "result"), [("stats", STATS), ("preload", PRELOADED)])
def test_a_table_is_the_golden_one(name: str, result: Any, width: int) -> None:
    drawn = shown(result, "table", width)
    assert drawn == golden(f"{name}-{width}.txt", drawn)
    assert max(len(line) for line in drawn.splitlines()) <= width
    assert "\x1b" not in drawn


@pytest.mark.parametrize(("name", "result"), [("stats", STATS), ("preload", PRELOADED)])
def test_off_a_terminal_it_is_the_golden_one(name: str, result: Any) -> None:
    drawn = shown(result)
    assert drawn == golden(f"{name}-plain.txt", drawn)


def test_stats_of_nothing_say_what_was_looked_at() -> None:
    empty = SharedStats((), 0, 0, 0, 0, None, None)
    assert shown(empty).startswith("no keys of perfctl on this server, and nothing counted\n")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (CachedValue("k", "n", True, "text", "str"), "text\n"),
        (CachedValue("k", "n", True, {"a": (1, None)}, "dict"), '{"a": [1, null]}\n'),
        (CachedValue("k", "n", True, b"\x00\xff", "bytes"), '"AP8="\n'),
        (CachedValue("k", "n", False), ""),
        (
            Preloaded("n", 5, 0, None, 10.0),
            "namespace  n\nloaded     5\nfailed     0\nsize       -\ntook       10.0 ms, 500 keys/s\n",
        ),
        (Stored("k", "n", 600.0, 10), "set k in n: 10 B, for 10 min\n"),
        (Stored("k", "n", 86400.0, 10), "set k in n: 10 B, for 24 h\n"),
        (Stored("k", "n", None, 10), "set k in n: 10 B, for ever\n"),
        (Deleted("n", 2, 1), "deleted 2 of n, 1 not there\n"),
        (Cleared("n", 0, 0, False, 0, 1.0), "nothing to clear: n holds no keys\n"),
        (Cleared("n", 5, 100, False, 5, 2.0), "cleared n: 5 keys deleted in 2.00 ms\n"),
        (Cleared("n", 1, 100, False, 1, 2.0), "cleared n: 1 key deleted in 2.00 ms\n"),
        (
            Cleared("n", 0, 0, False, 0, 2.0, reclaimed=7, only_reclaims=True),
            "given back of n: the memory of 7 keys in 2.00 ms\n",
        ),
        (
            Cleared("n", 0, 0, True, 0, 0.0, to_reclaim=7, to_reclaim_bytes=700, only_reclaims=True),
            "would give back of n: the memory of 7 keys, about 700 B\n",
        ),
        (
            Cleared("n", 0, 0, False, 0, 2.0, only_reclaims=True),
            "nothing to give back: no cleared key of n holds memory\n",
        ),
        (Cleared("n", 2, 100, True, 0, 0.0, ("a", "b")), "would clear n: 2 keys, about 100 B\n\n  a\n  b\n"),
    ],
)
def test_each_answer_reads_like_this(result: Any, text: str) -> None:
    assert shown(result) == text
