"""The tables of the sandbox, as they are drawn."""

from __future__ import annotations

import pytest

from perfctl.render.show import show
from perfctl.sandbox.model import (
    LogLine,
    SandboxDown,
    SandboxEnvironment,
    SandboxLogs,
    SandboxReset,
    SandboxStatus,
    SandboxUp,
    Server,
)
from tests.cli.golden_files import golden_of

_golden = golden_of("sandbox")


def server(name: str, version: str, port: int, state: str = "started", problem: str | None = None) -> Server:
    is_up = state != "down"
    return Server(
        service=name,
        state=state,  # type: ignore[arg-type]
        version=version,
        endpoint=f"127.0.0.1:{port}",
        pid=4_000_000 + port if is_up else None,
        ready_ms=1234.5 if is_up else None,
        resident_bytes=port * 1000 if is_up else None,
        uptime_seconds=port / 10 if is_up else None,
        problem=problem,
    )


STARTED = (
    server("valkey", "Valkey 9.1.2", 20001),
    server("cloudfront", "CloudFront edge", 20002, "running"),
    server("postgres", "PostgreSQL 18.6", 20003),
    server("sentinel-1", "Valkey 9.1.2", 20004),
)

CONFIG_FILE = "/home/ada/.config/perfctl/config.yaml"

ANSWERS = {
    "up": SandboxUp("sandbox", "sandbox", ("sandbox",), CONFIG_FILE, True, 2345.6, STARTED),
    "up-with-parts": SandboxUp(
        "big", "big", ("big", "big-cluster", "big-sentinel"), CONFIG_FILE, True, 2345.6, STARTED[:2]
    ),
    "up-without-home": SandboxUp("sandbox", None, (), None, False, 345.6, STARTED[:1]),
    "reset": SandboxReset("sandbox", False, 2345.6, STARTED[:2]),
    "status": SandboxStatus(
        "sandbox",
        False,
        (
            server("valkey", "Valkey 9.1.2", 20001, "running"),
            server("cloudfront", "CloudFront edge", 20002, "failing", "timed out"),
            server("postgres", "PostgreSQL 18.6", 20003, "down", "it died"),
        ),
    ),
    "status-of-nothing": SandboxStatus("other", False, ()),
    "env": SandboxEnvironment({"REDIS_HOST": "127.0.0.1", "DB_PASSWORD": "it's"}),
    "logs": SandboxLogs("sandbox", (LogLine("valkey", "Ready"), LogLine("postgres", "started"))),
    "down": SandboxDown("sandbox", ("valkey", "cloudfront", "postgres"), 2, False, 456.7),
    "down-of-nothing": SandboxDown("sandbox", (), 0, False, 5.6),
}


def drawn(name: str, output: str, width: int = 80) -> str:
    return show(
        ANSWERS[name],
        words=("sandbox", "up"),
        output=output,  # type: ignore[arg-type]
        context="sandbox",
        limit=None,
        took_ms=1.0,
        width=width,
    )


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_drawing_is_the_golden_one_and_fits(name: str, width: int) -> None:
    text = drawn(name, "table", width)

    assert text == _golden(f"{name}-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("name", ANSWERS)
def test_plain_text_is_the_golden_one(name: str) -> None:
    text = drawn(name, "plain")

    assert text == _golden(f"{name}-plain.txt", text)
    assert "\x1b" not in text
