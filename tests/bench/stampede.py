"""Many processes want one missing value at once: how often is it computed, and how long does the slowest wait?"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from contextlib import closing
from tempfile import TemporaryDirectory

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from perfctl.sandbox.valkey import find_server
from tests.bench.measure import Figure

PROCESSES, CALLERS, TRIALS = 4, 50, 20
FACTORY_SECONDS = 0.3


def run() -> list[Figure]:
    """20 trials of 4 processes x 50 callers on one server, then 1,000 callers in one process."""
    with TemporaryDirectory() as folder, closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
        free.close()
        server = subprocess.Popen(
            [str(find_server()), "--port", str(port), "--save", "", "--dir", folder], stdout=subprocess.DEVNULL
        )
        workers: list[subprocess.Popen[str]] = []
        try:
            workers = [_worker(port) for _ in range(PROCESSES)]
            trials = [_trial(workers, number) for number in range(TRIALS)]
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
            server.kill()
            server.wait()
    slowest = [max(waited for waited, _ in trial) for trial in trials]
    once = sum(sum(calls for _, calls in trial) == 1 for trial in trials)
    return [
        Figure("trials with one call of the factory", once, "of 20", at_least=TRIALS),
        Figure("slowest caller beyond the factory", max(slowest) - FACTORY_SECONDS, "s", 0.25, "worst of 20 trials"),
        Figure("calls of 1,000 callers in one process", asyncio.run(_alone()), "calls", 1),
    ]


def _worker(port: int) -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.stampede", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    return worker


def _trial(workers: list[subprocess.Popen[str]], number: int) -> list[tuple[float, int]]:
    """(seconds that the slowest caller waited, calls of the factory) of each process."""
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(f"{number}\n")
        worker.stdin.flush()
    answers = []
    for worker in workers:
        assert worker.stdout is not None
        waited, calls = json.loads(worker.stdout.readline())
        answers.append((waited, calls))
    return answers


async def _serve(port: int) -> None:
    """One of the processes: a trial a line of stdin."""
    loop = asyncio.get_running_loop()
    async with AdvancedCache(CacheConfig(redis_host="127.0.0.1", redis_port=port)) as cache:
        await cache.set("warm", 1)
        print("ready", flush=True)
        while number := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            print(json.dumps(await _callers(cache, f"trial {number}", CALLERS)), flush=True)


async def _callers(cache: AdvancedCache, key: str, count: int) -> tuple[float, int]:
    calls = 0

    async def factory() -> str:
        nonlocal calls
        calls += 1
        await asyncio.sleep(FACTORY_SECONDS)
        return "value"

    async def caller() -> float:
        started = time.perf_counter()
        assert await cache.get_or_set(key, factory) == "value"
        return time.perf_counter() - started

    waited = await asyncio.gather(*[caller() for _ in range(count)])
    return max(waited), calls


async def _alone() -> int:
    async with AdvancedCache(CacheConfig()) as cache:
        return (await _callers(cache, "alone", 1000))[1]


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
