"""`perfctl serve` against FastAPI on the same server: requests per CPU second of the server, and its memory."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.bench.measure import Figure

ROUNDS, SECONDS, CLIENTS = 7, 1.0, 16
PATH = "/performance/metrics"
MB = 1_000_000

FASTAPI = """
import json, socket, sys, uvicorn
from fastapi import FastAPI
app, document = FastAPI(), json.load(open(sys.argv[1]))

@app.get("/performance/metrics")
async def metrics():
    return document

listening = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
config = uvicorn.Config(app, access_log=False, log_config=None, server_header=False)
uvicorn.Server(config).run([listening])
"""


def run() -> list[Figure]:
    """The same document from both, 16 clients that keep their connections, rounds interleaved."""
    with tempfile.TemporaryDirectory(prefix="perfctl-bench-") as folder, _perfctl(folder) as (own, url):
        document = Path(folder) / "document.json"
        time.sleep(2.0)
        document.write_bytes(urllib.request.urlopen(url + PATH).read())
        with _started([sys.executable, "-c", FASTAPI, str(document)], dict(os.environ)) as (other, other_url):
            json.loads(urllib.request.urlopen(other_url + PATH).read())
            rates = [(_rate(own, url), _rate(other, other_url)) for _ in range(ROUNDS)]
        memory = psutil.Process(own.pid).memory_info().rss / MB
    mine, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(first / second for first, second in rates)
    note = f"{mine:.0f} and {theirs:.0f} requests per CPU second"
    return [
        Figure("requests per CPU second / FastAPI's", ratio, "x", note=note, at_least=4.0),
        Figure("memory of serve after them", memory, "MB", 80.0),
    ]


def _rate(server: subprocess.Popen[str], url: str) -> float:
    """Requests that were answered per second of the server's CPU time."""
    process = psutil.Process(server.pid)
    before = process.cpu_times()
    count = asyncio.run(_load(url))
    after = process.cpu_times()
    return count / (after.user + after.system - before.user - before.system)


async def _load(url: str) -> int:
    port = int(url.rpartition(":")[2])
    until = time.perf_counter() + SECONDS
    return sum(await asyncio.gather(*(_asked(port, until) for _ in range(CLIENTS))))


async def _asked(port: int, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request, count = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode(), 0
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        place = head.lower().index(b"content-length: ") + 16
        await reader.readexactly(int(head[place : head.index(b"\r\n", place)]))
        count += 1
    writer.close()
    return count


@contextmanager
def _perfctl(folder: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    given = {"HOME": folder, "PERFCTL_API__REQUESTS_PER_MINUTE": "0", "PATH": os.environ["PATH"]}
    words = [sys.executable, "-m", "perfctl", "serve", "--port", "0", "-o", "ndjson"]
    with _started(words, given) as (process, said):
        yield process, json.loads(said)["data"]["url"]


@contextmanager
def _started(words: list[str], env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()
