"""The emulators that are asked the same questions as the sandbox's control plane."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.edge.process import client, free_ports, running


@contextlib.contextmanager
def _perfctl(folder: Path) -> Iterator[str]:
    with running(folder, completion_seconds=0.3) as started:
        yield started.endpoint


@contextlib.contextmanager
def _ministack(folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "STATE_DIR": str(folder / "state")}
    settings |= {"TMPDIR": str(folder), "HOME": str(folder), "S3_DATA_DIR": str(folder / "s3")}
    settings |= {"DOCKER_HOST": f"unix://{folder}/no-docker.sock"}
    with _served("ministack", [], port, settings) as endpoint:
        yield endpoint


@contextlib.contextmanager
def _moto(folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    with _served("moto_server", ["-H", "127.0.0.1", "-p", str(port)], port, {"HOME": str(folder)}) as endpoint:
        yield endpoint


@contextlib.contextmanager
def _served(script: str, words: list[str], port: int, settings: dict[str, str]) -> Iterator[str]:
    path = Path(sys.executable).with_name(script)
    process = subprocess.Popen(
        [str(path), *words], env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        _wait_until_answers(endpoint, process)
        yield endpoint
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait_until_answers(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            client("cloudfront", endpoint).list_distributions()
            return
        time.sleep(0.05)
    raise AssertionError(f"{endpoint} does not answer; exit code {process.poll()}")


SERVERS = {"perfctl": _perfctl, "ministack": _ministack, "moto": _moto}
NAMES = ["perfctl", "ministack", pytest.param("moto", marks=pytest.mark.soak)]
"""Each of them as a parameter of a fixture; the slowest takes part in whole campaigns."""
