"""The examples for web frameworks, served by real worker processes that share the sandbox's Redis."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
LISTENING = re.compile(r"(?:Listening at: |running on )http://127\.0\.0\.1:(\d+)")
GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--threads", "4")
UVICORNS_OWN = re.compile(r".*ResourceWarning: unclosed <socket.socket [^>]*laddr=[^>r]*>\n.*tracemalloc.*\n")
"""It leaves the socket on which its workers listen to the garbage collector."""
SERVERS = {
    "fastapi": ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", "--workers", "2", "fastapi_app:app"),
    "flask, preloaded": (*GUNICORN, "--preload", "flask_app:app"),
    "flask": (*GUNICORN, "flask_app:app"),
    "django": (*GUNICORN, "django_app:application"),
    "django, preloaded": (*GUNICORN, "--preload", "django_app:application"),
}

HEARD_SECONDS = 4.0
"""By then every worker has heard of a write; without hearing, it would trust its own copy for 5 seconds."""


class Shop:
    """A running server."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/products/"

    def ask(self, product: int, *, method: str = "GET", query: str = "") -> dict[str, Any]:
        """One request over a connection of its own, so that any worker may answer."""
        request = urllib.request.Request(f"{self._url}{product}{query}", method=method)
        with urllib.request.urlopen(request, timeout=20) as reply:
            answer: dict[str, Any] = json.load(reply)
        return answer

    def ask_all(self, product: int) -> list[dict[str, Any]]:
        """Answers of which each worker gave some."""
        answers: list[dict[str, Any]] = []
        until = time.monotonic() + 60
        with ThreadPoolExecutor(8) as threads:
            while len({answer["worker"] for answer in answers}) < 2:
                assert time.monotonic() < until, f"one worker alone answers: {answers[-1:]}"
                answers += threads.map(self.ask, [product] * 8)
        return answers


@contextmanager
def serving(words: tuple[str, ...], sandbox: RunningSandbox, folder: Path) -> Iterator[Shop]:
    """A server with two workers, ended by its process id; whatever it says on stderr about an error fails."""
    shop, log = folder / "shop.sqlite3", folder / "log"
    with closing(sqlite3.connect(shop)) as database, database:
        database.execute("CREATE TABLE products (id INTEGER PRIMARY KEY, price REAL)")
        database.executemany("INSERT INTO products VALUES (?, 10.0)", [(1,), (2,)])
    settings = {"PERFCTL_CACHE__KEY_PREFIX": folder.name, "PERFCTL_CACHE__PATIENCE_SECONDS": "5"}
    environment = {**sandbox.home, **sandbox.environment, **settings, "SHOP": str(shop)}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=EXAMPLES, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Shop(_port(process, log))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()
    said = UVICORNS_OWN.sub("", log.read_text())
    assert not re.search(r"Traceback|Warning|failed|Error", said), said


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        matched = LISTENING.search(log.read_text())
        if matched and _answers(int(matched[1])):
            return int(matched[1])
        time.sleep(0.05)
    pytest.fail(f"the server does not listen: {log.read_text()}")


@pytest.mark.parametrize("framework", SERVERS)
def test_the_example_serves_from_the_cache_and_workers_hear_of_each_other(
    framework: str, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    with serving(SERVERS[framework], sandbox, tmp_path) as shop:
        answers = shop.ask_all(1)
        assert {answer["price"] for answer in answers} == {10.0}
        assert len({answer["read_by"] for answer in answers}) == 1
        for price in (20.0, 30.0):
            assert shop.ask(1, method="PUT", query=f"?price={price}") == {"invalidated": True}
            changed = time.monotonic()
            while {answer["price"] for answer in shop.ask_all(1)} != {price}:
                assert time.monotonic() - changed < HEARD_SECONDS, "a worker still serves what was invalidated"
            assert {answer["price"] for answer in shop.ask_all(1)} == {price}
        assert {answer["price"] for answer in shop.ask_all(2)} == {10.0}
        with pytest.raises(urllib.error.HTTPError, match="404"):
            shop.ask(3)


def _answers(port: int) -> bool:
    """uvicorn says its address before its workers listen."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True
