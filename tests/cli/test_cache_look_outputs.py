"""What a closer look at the cache looks like, at 80 and at 120 columns, and off a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from perfctl.cache.model import (
    Cleared,
    KeyLife,
    KeyPresence,
    NamespaceStats,
    Presence,
    ServerFacts,
    SharedStats,
    Touched,
)
from perfctl.cache.model.dictionaries import DictionaryListing, DictionaryRow, DictionaryTraining
from perfctl.cache.model.look import Inspected, KeyTag, TopKey, TopKeys
from perfctl.cache.model.servers import NodeStats, SlowCommand
from perfctl.diagnosis import Check, diagnose
from tests.cli.golden_files import golden_of
from tests.cli.test_cache_outputs import shown

NODE = NodeStats(
    node="cache-1.internal:6379",
    version="9.1.2",
    keys=1_204_311,
    used_memory_bytes=1_812_000_000,
    max_memory_bytes=2_000_000_000,
    maxmemory_policy="allkeys-lru",
    fragmentation_ratio=1.62,
    evicted_keys=120_431,
    expired_keys=9_000,
    hits=98_231_002,
    misses=4_100_231,
    hit_ratio=0.9599,
    clients=412,
    blocked_clients=3,
    tracking_clients=24,
    operations_per_second=18_204,
    replicas=1,
    replication_lag_bytes=1_204,
    replication_lag_seconds=1.0,
    slow_commands=(
        SlowCommand("KEYS session:*", 12, 4_012.5, "2026-01-02T03:04:05+00:00"),
        SlowCommand("MGET", 3, 12.0, ""),
    ),
)
SERVERS = SharedStats(
    rows=(NamespaceStats("api", 1_204_311, 812_000_000, 98, 2, 0.98, 90, 8, 5),),
    keys=1_204_311,
    size_bytes=812_000_000,
    hits=98,
    misses=2,
    hit_ratio=0.98,
    counted_since=None,
    server=ServerFacts("Valkey", "9.1.2", "cluster", 1_812_000_000, 2_000_000_000, "allkeys-lru", 1, 2),
    nodes=(NODE, NodeStats(node="cache-2.internal:6379")),
)
TOP = TopKeys(
    by="hot",
    rows=(
        TopKey("user:123", "api", "string", 12_040, 512.0, frequency=204),
        TopKey("session:" + "f" * 60, None, "hash", 640, None, frequency=12),
    ),
    method="1000 keys drawn at random (RANDOMKEY), ranked by OBJECT FREQ (a logarithmic count of reads)",
    sampled=1000,
    keys=1_204_311,
    matching=1000,
)
IDLE = TopKeys("hot", (TopKey("k", "n", "string", 10, 60.0, idle_seconds=3),), "1 key of 1 (SCAN), ranked", 1, 1, 1)
INSPECTED = Inspected(
    key="user:123",
    namespace="api",
    server_name="perfctl:api:user:123",
    found=True,
    state="cleared",
    type="dict",
    value={"id": 123, "name": "Ada"},
    serializer="msgpack",
    compressor="zstd",
    dictionary="bbcd",
    protection="encrypted",
    key_id="00c0ffee",
    size_bytes=60,
    decoded_bytes=200,
    ratio=0.3,
    memory_bytes=128,
    created="2026-01-02T03:04:05.678+00:00",
    ttl_seconds=512.0,
    stale_seconds=3600.0,
    expires=True,
    sliding=False,
    etag='"v7"',
    namespace_version=0xD49B2DA8,
    current_version=0x00000007,
    tags=(KeyTag("user:123", True), KeyTag("eu", False)),
)
FOREIGN = Inspected(
    "s:1", None, "s:1", True, "foreign", "hash", {"a": "1"}, 12, encoding="listpack", memory_bytes=96, expires=False
)
CHECKED = diagnose(
    [
        Check("cache api", "hit ratio", "pass", "96.0 % of 102 331 233 look-ups"),
        Check("cache api", "value size", "fail", "the biggest takes 20.1 MB", "perfctl cache top --by big"),
        Check(
            "redis cache-1.internal:6379",
            "evictions",
            "warn",
            "120 431 keys evicted since it started",
            "raise maxmemory",
        ),
    ]
)
DICTIONARIES = DictionaryListing(
    (
        DictionaryRow("api", "bbcd", 16_384, 1_000, 0.217, 0.982, True, "2026-01-02T03:04:05+00:00", 604_799.0),
        DictionaryRow("api", "00d3", 16_384, 999, 0.31, 0.97, False, "2026-01-01T03:04:05+00:00", None),
    )
)
TRAINED = DictionaryTraining("api", 1_000, True, True, False, "bbcd", 16_384, 0.217, 0.982)

golden = golden_of("cache")

VIEWS = [
    ("servers", SERVERS),
    ("top", TOP),
    ("top-idle", IDLE),
    ("inspect", INSPECTED),
    ("inspect-foreign", FOREIGN),
    ("check", CHECKED),
    ("dict-list", DICTIONARIES),
    ("dict-train", TRAINED),
]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(("name", "result"), VIEWS, ids=[name for name, _ in VIEWS])
def test_a_table_is_the_golden_one(name: str, result: Any, width: int) -> None:
    drawn = shown(result, "table", width)
    assert drawn == golden(f"{name}-{width}.txt", drawn)
    assert max(len(line) for line in drawn.splitlines()) <= width
    assert "\x1b" not in drawn


@pytest.mark.parametrize(("name", "result"), VIEWS, ids=[name for name, _ in VIEWS])
def test_off_a_terminal_it_is_the_golden_one(name: str, result: Any) -> None:
    drawn = shown(result)
    assert drawn == golden(f"{name}-plain.txt", drawn)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (Presence("n", 1, 1, (KeyPresence("a", True), KeyPresence("b", False))), "KEY  FOUND\na    yes\nb    no\n"),
        (KeyLife("k", "n", found=False), ""),
        (KeyLife("k", "n", True, False), "never\n"),
        (KeyLife("k", "n", True, True, 61.0, 3600.0), "61.0 s, then 60 min stale\n"),
        (Touched("k", "n", True, 600.0), "touched k in n: it lives for 10 min\n"),
        (Touched("k", "n", True, None), "touched k in n: it lives for ever\n"),
        (
            Cleared("n", 5, 100, False, 5, 2.0, clear_ms=0.4, to_reclaim=5, to_reclaim_bytes=100),
            "cleared n: 5 keys in 0.40 ms\n\nstill to reclaim: 5 keys, about 100 B;"
            " perfctl cache clear --reclaim -n n, or an application that runs, gives it back\n",
        ),
        (
            Cleared("n", 5, 100, False, 5, 2.0, clear_ms=0.4, reclaimed=6),
            "cleared n: 5 keys in 0.40 ms, the memory of 6 keys given back in 2.00 ms\n",
        ),
        (
            Cleared("n", 0, 0, False, 0, 2.0, reclaimed=6, only_reclaims=True),
            "given back of n: the memory of 6 keys in 2.00 ms\n",
        ),
        (Cleared("n", 2, 9, False, 2, 2.0, tag="t", clear_ms=0.4), "cleared tag t in n: 2 keys in 0.40 ms\n"),
        (Cleared(None, 2, 9, False, 2, 2.0, pattern="s:*"), "cleared s:*: 2 keys deleted in 2.00 ms\n"),
        (
            DictionaryListing(()),
            "no dictionary on this server: applications train them as they write, or perfctl cache dict train\n",
        ),
        (
            DictionaryListing((), "n"),
            "no dictionary for n: applications train them as they write, or perfctl cache dict train\n",
        ),
        (
            TopKeys("hot", (), "0 keys of 0 (SCAN)", 0, 9, 0),
            "no key to rank\n\n0 keys of 0 (SCAN);\nthe server holds 9\n",
        ),
        (
            TopKeys("no-ttl", (), "5 keys drawn at random (RANDOMKEY), ranked by size", 5, 9, 0),
            "every key that was looked at expires\n\n5 keys drawn at random (RANDOMKEY),\nranked by size;\n"
            "the server holds 9\n",
        ),
        (Inspected("k", "n", "perfctl:n:k", False), ""),
    ],
)
def test_each_answer_reads_like_this(result: Any, text: str) -> None:
    assert shown(result) == text
