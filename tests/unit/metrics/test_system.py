"""Rates between two moments, and what this machine truly counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfctl.metrics import system
from perfctl.metrics.collecting.host import host_between
from perfctl.metrics.model import Reading
from perfctl.metrics.system import Sample
from perfctl.recording.series import Series

BEFORE = Sample(at=100.0, busy_seconds=10.0, cpus=2.0, is_container=False, network_bytes=0, disk_bytes=5_000_000)


def test_rates_are_per_second_between_two_moments() -> None:
    after = replace(BEFORE, at=102.0, busy_seconds=11.0, network_bytes=6_000_000, disk_bytes=5_000_000)
    assert system.rates(BEFORE, after) == [
        Reading("cpu_usage_percent", 25.0, "host, 2 CPU, over 2000 ms"),
        Reading("network_io_mb", 3.0, "network interfaces, over 2000 ms"),
        Reading("disk_io_mb", 0.0, "disks of the host, over 2000 ms"),
    ]


def test_a_containers_cpu_is_a_share_of_its_quota() -> None:
    before = replace(BEFORE, cpus=0.5, is_container=True)
    cpu = system.rates(before, replace(before, at=120.0, busy_seconds=15.0))[0]
    assert cpu == Reading("cpu_usage_percent", 50.0, "container's quota of 0.5 CPU, over 20 s")


def test_what_is_not_counted_has_a_reason_and_no_value() -> None:
    before = replace(BEFORE, network_bytes=None, disk_bytes=None)
    _, network, disk = system.rates(before, replace(before, at=101.0))
    assert network == Reading("network_io_mb", None, "not counted on this system: network interfaces")
    assert disk == Reading("disk_io_mb", None, "not counted on this system: disks of the host")


def test_a_masked_proc_gives_reasons_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def masked(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/proc/stat")

    for name in ("cpu_times", "virtual_memory", "net_io_counters", "disk_io_counters"):
        monkeypatch.setattr(f"psutil.{name}", masked)
    monkeypatch.setattr(system.cgroup, "processor", lambda: None)
    first = system.sample()
    readings = [system.memory(), *system.rates(first, replace(first, at=first.at + 1))]
    assert {reading.name: reading.value for reading in readings} == dict.fromkeys(
        ("memory_usage_mb", "cpu_usage_percent", "network_io_mb", "disk_io_mb")
    )


def test_too_short_a_time_gives_no_rate() -> None:
    readings = system.rates(BEFORE, replace(BEFORE, at=100.01))
    assert [reading.value for reading in readings] == [None, None, None]


def test_a_counter_that_was_reset_is_no_rate_and_not_zero() -> None:
    before = replace(BEFORE, network_bytes=7)
    after = replace(BEFORE, at=101.0, busy_seconds=0.0, network_bytes=0, disk_bytes=0)
    assert [reading.value for reading in system.rates(before, after)] == [None, None, None]
    gathered = host_between(before, after)
    assert not gathered.counters
    assert Series("host.cpu.utilization") not in gathered.gauges


def test_this_machine_counts_its_cpu_and_its_memory() -> None:
    first, memory = system.sample(), system.memory()
    assert (first.busy_seconds or 0) > 0
    assert first.cpus > 0
    assert memory.value is not None
    assert memory.value > 1
