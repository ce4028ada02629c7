"""Each fault that health looks for is found on real servers, and its healthy twin passes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perfctl.cache.operating import vitals
from perfctl.cdn.doctoring import reaching
from perfctl.config import CacheConfig
from perfctl.db import vitals as db_vitals
from perfctl.db.pool.statistics import PoolStatistics
from perfctl.metrics.history import History
from perfctl.metrics.history.vitals import history_checks
from perfctl.recording.frame import Frame

WELL: Mapping[str, Any] = {"role": "master", "used_memory": 10, "maxmemory": 100, "maxmemory_policy": "noeviction"}
REDIS_FAULTS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "memory": ({"used_memory": 99}, "fail"),
    "evictions": ({"evicted_keys": 50, "keyspace_hits": 100}, "warn"),
    "persistence": ({"rdb_last_bgsave_status": "err"}, "fail"),
    "role": ({"role": "slave", "master_link_status": "down"}, "fail"),
}


@pytest.mark.parametrize("check", vitals.CHECKS, ids=lambda check: str(check.__name__))
def test_each_check_of_redis_passes_when_well_and_finds_its_fault(check: Any) -> None:
    fault, status = REDIS_FAULTS[check.__name__]
    assert check(WELL).status == "pass"
    found = check({**WELL, **fault})
    assert found.status == status
    assert found.fix


@pytest.mark.parametrize(
    ("in_use", "waiting", "status"), [(0, 0, "pass"), (5, 0, "warn"), (5, 3, "warn"), (5, 6, "fail")]
)
def test_a_pool_that_is_exhausted_is_found(in_use: int, waiting: int, status: str) -> None:
    now = PoolStatistics(in_use=in_use, idle=0, waiting=waiting, created=5, closed=0, waits=waiting)
    assert db_vitals.pool_check(now, 5).status == status


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"is_replica": True, "is_receiving": True, "lag_seconds": 0.0}, "pass"),
        ({"is_replica": True, "is_receiving": True, "lag_seconds": 20.0}, "warn"),
        ({"is_replica": True, "is_receiving": True, "lag_seconds": 90.0}, "fail"),
        ({"is_replica": True, "is_receiving": False, "lag_seconds": 0.0}, "fail"),
        ({"is_replica": False, "is_receiving": False, "lag_seconds": None}, "fail"),
    ],
)
def test_a_replica_that_lags_or_does_not_stream_is_found(state: Mapping[str, Any], status: str) -> None:
    assert db_vitals.judged(1, state).status == status


@pytest.mark.parametrize(("days", "status"), [(80, "pass"), (10, "warn"), (1, "fail"), (-1, "fail")])
def test_a_certificate_that_ends_soon_is_found(days: float, status: str) -> None:
    assert reaching.judged("cdn.edge", "cdn.example.com", days).status == status


def test_a_history_that_is_old_or_cannot_be_written_is_found(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    now = time.time()
    history.append(Frame(now, 10.0), source="a")

    def found(at: float) -> dict[str, str]:
        checks = history_checks(history, now=at, interval_seconds=10, is_expected=True)
        return {check.check: check.status for check in checks}

    assert found(now) == {"writable": "pass", "size": "pass", "age": "pass"}
    assert found(now + 600)["age"] == "warn"
    if os.geteuid():
        (tmp_path / "history.sqlite").chmod(0o400)
        assert found(now)["writable"] == "fail"
    history.close()


@pytest.mark.servers
def test_a_server_without_room_is_found(sandbox: Any) -> None:
    from perfctl.cache.engine import AdvancedCache

    environment = sandbox.environment

    async def memory_at(limit: str, policy: str) -> str:
        import redis.asyncio

        client: Any = redis.asyncio.Redis(
            port=int(environment["REDIS_PORT"]), password=environment["REDIS_PASSWORD"], decode_responses=True
        )
        before = {**await client.config_get("maxmemory"), **await client.config_get("maxmemory-policy")}
        config = CacheConfig(
            redis_url=f"redis://:{environment['REDIS_PASSWORD']}@127.0.0.1:{environment['REDIS_PORT']}"
        )
        try:
            await client.config_set("maxmemory-policy", policy)
            await client.config_set("maxmemory", limit)
            async with AdvancedCache(config) as cache:
                return next(check.status for check in await cache.health() if check.check == "memory")
        finally:
            await client.config_set("maxmemory", before["maxmemory"])
            await client.config_set("maxmemory-policy", before["maxmemory-policy"])
            await client.aclose()

    assert asyncio.run(memory_at("10gb", "noeviction")) == "pass"
    assert asyncio.run(memory_at("100kb", "noeviction")) == "fail"
