"""How the ten figures look."""

from __future__ import annotations

import json

import pytest

from perfctl.document.envelope import Output
from perfctl.metrics.model import Reading, metrics_of, snapshot_of
from perfctl.render.show import show
from tests.cli.golden_files import golden_of

SNAPSHOT = snapshot_of(
    metrics_of(
        [
            Reading("database_query_time_ms", 4.8973, "pg_stat_statements, 1204 calls"),
            Reading("cache_hit_rate", 0.9642, "counters of all processes, 250000 look-ups"),
            Reading("memory_usage_mb", 12477.3, "container, limit 16000 MB"),
            Reading("cpu_usage_percent", 37.5, "container's quota of 1.5 CPU, over 252 ms"),
            Reading("network_io_mb", 0.0, "network interfaces, over 252 ms"),
            Reading("disk_io_mb", None, "not counted on this system: disks of the host"),
            Reading("active_connections", 12.0, "pg_stat_activity, this database"),
            Reading("api_response_time_ms", None, "no application reports to perfctl"),
            Reading("requests_per_second", None, "no application reports to perfctl"),
            Reading("error_rate", None, "no application reports to perfctl"),
        ]
    )
)

_golden = golden_of("metrics")


def drawn(output: Output, *, width: int = 80) -> str:
    return show(
        SNAPSHOT, words=("metrics", "show"), output=output, context="prod", limit=None, took_ms=252.0, width=width
    )


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_is_the_golden_one(width: int) -> None:
    text = drawn("table", width=width)
    assert text == _golden(f"show-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_off_a_terminal_each_figure_is_one_line() -> None:
    text = drawn("plain")
    assert text == _golden("show-plain.txt", text)


def test_what_was_not_measured_is_null_in_json() -> None:
    data = json.loads(drawn("json"))["data"]
    assert data["disk_io_mb"] is None
    assert data["unmeasured"]["disk_io_mb"] == "not counted on this system: disks of the host"
    assert data["network_io_mb"] == 0.0
