"""`health` always answers: what is off, what is down, what hangs, what breaks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perfctl.config import CacheConfig, CDNConfig, DatabaseConfig, Settings
from perfctl.diagnosis import Check, Diagnosis
from perfctl.errors import UnreachableError
from perfctl.operations import health as operations
from perfctl.optimizer import PerformanceOptimizer


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on: taken, so that nobody else gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


class Engine:
    """An engine whose health is given."""

    def __init__(self, *checks: Check, error: Exception | None = None, hangs: bool = False) -> None:
        self._checks, self._error, self._hangs = checks, error, hangs

    async def health(self) -> list[Check]:
        if self._hangs:
            await asyncio.sleep(60)
        if self._error is not None:
            raise self._error
        return list(self._checks)

    async def doctor(self) -> Diagnosis:
        return Diagnosis("pass", (*self._checks, Check("made_up", "rights", "pass", "may do everything")))


def _optimizer(engine: Engine) -> Any:
    """Stands for an optimizer whose only configured engine is this one."""
    settings = Settings(cache=CacheConfig(redis_host="made.up"))
    return SimpleNamespace(cache=engine, settings=settings, has_database=False, has_cdn=False, timeout_seconds=None)


def _rows(optimizer: Any, **options: Any) -> list[tuple[str, str, str]]:
    diagnosis = asyncio.run(operations.health(optimizer, **options))
    return [(check.component, check.check, check.status) for check in diagnosis.rows]


def test_with_nothing_configured_all_is_well_and_it_says_what_is_off() -> None:
    diagnosis = asyncio.run(operations.health(PerformanceOptimizer()))
    assert diagnosis.status == "pass"
    assert [(check.component, check.status) for check in diagnosis.rows] == [
        ("disk", "pass"),
        ("redis", "off"),
        ("postgres", "off"),
        ("cdn", "off"),
        ("history", "off"),
    ]


def test_an_engine_that_breaks_is_a_failed_check_with_its_reason() -> None:
    broken = Engine(error=ZeroDivisionError("division by zero"))
    diagnosis = asyncio.run(operations.health(_optimizer(broken)))
    assert diagnosis.status == "fail"
    assert diagnosis.rows[0].observed == "ZeroDivisionError: division by zero"


def test_an_engine_that_raises_on_purpose_keeps_its_hint() -> None:
    broken = Engine(error=UnreachableError("Redis is gone", hint="start it"))
    assert asyncio.run(operations.health(_optimizer(broken))).rows[0].fix == "start it"


def test_an_engine_that_hangs_does_not_keep_the_others_waiting() -> None:
    diagnosis = asyncio.run(operations.health(_optimizer(Engine(hangs=True)), limit_seconds=0.05))
    assert diagnosis.rows[0].observed == "no answer within 0.05 s"
    assert ("disk", "free", "pass") in [(row.component, row.check, row.status) for row in diagnosis.rows]


def test_deep_asks_the_doctor_and_says_nothing_twice() -> None:
    engine = Engine(Check("made_up", "connect", "pass", "within 1 ms"))
    assert [row for row in _rows(_optimizer(engine), deep=True) if row[0] == "made_up"] == [
        ("made_up", "connect", "pass"),
        ("made_up", "rights", "pass"),
    ]


def test_a_database_that_is_down_is_a_failed_check(closed_port: int) -> None:
    config = DatabaseConfig(host="127.0.0.1", port=closed_port, database="x", username="x")
    assert ("postgres", "connect", "fail") in _rows(PerformanceOptimizer(database_config=config))


def test_a_cdn_that_is_down_is_a_failed_check(closed_port: int) -> None:
    here = f"http://127.0.0.1:{closed_port}"
    config = CDNConfig(distribution_id="E1", endpoint_url=here, edge_url=here, access_key_id="a", secret_access_key="b")
    rows = _rows(PerformanceOptimizer(cdn_config=config))
    assert {status for part, _, status in rows if part.startswith("cdn")} == {"fail"}


def test_room_is_looked_for_where_the_state_would_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "not" / "yet"))
    disk = [row for row in asyncio.run(operations.health(PerformanceOptimizer())).rows if row.component == "disk"]
    assert disk[0].status == "pass"


def test_a_disk_that_is_nearly_full_is_a_warning_with_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "DISK_WARN_BYTES", 1 << 62)
    rows = asyncio.run(operations.health(PerformanceOptimizer())).rows
    disk = next(row for row in rows if row.component == "disk")
    assert disk.status == "warn"
    assert "PERFCTL_STATE_DIR" in (disk.fix or "")


def test_without_a_home_the_disk_of_temporary_files_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "PERFCTL_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert ("disk", "free", "pass") in _rows(PerformanceOptimizer())


def test_a_cluster_without_an_address_is_a_fault_and_not_off() -> None:
    optimizer = PerformanceOptimizer(cache_config=CacheConfig(cluster_enabled=True))
    assert ("redis", "health", "fail") in _rows(optimizer)
