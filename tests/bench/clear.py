"""Clearing half of a big cache: how soon it is done, how soon nobody serves it, what other clients feel, and how long
giving the memory back takes beside `redis-cli --scan | xargs redis-cli unlink`.

`PERFCTL_BENCH_KEYS` (2,000,000) keys lie in two namespaces; `PERFCTL_BENCH_ROUNDS` (1) times each way to reclaim.

What other clients feel is told in windows of four seconds: while memory is given back, one client asks this server
and an idle one in turn, each millisecond. The median of the windows' worst answers of this server, less the same of
the idle server, is the stall: what the machine itself does to a client happens to both, and windows are equally long.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.keys import KeyLayout
from perfctl.cache.values.header import write_header
from perfctl.cache.values.meta import Meta
from perfctl.config import CacheConfig
from tests.bench.measure import Figure
from tests.redis_server import RawClient, RedisServer, redis_server

KEYS = int(os.environ.get("PERFCTL_BENCH_KEYS", "2000000"))
ROUNDS = int(os.environ.get("PERFCTL_BENCH_ROUNDS", "1"))
READERS = 4
HOT = 1000
WINDOW_SECONDS = 4.0

_LAYOUT = KeyLayout("perfctl")
_SPAWN = multiprocessing.get_context("spawn")
_FILL = """
for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  redis.call('SET', KEYS[1] .. 'k' .. number, ARGV[1], 'PX', 86400000)
end
"""


@dataclass(frozen=True, slots=True)
class Felt:
    """What one client felt: the worst answer of each window in seconds, and how long 999 of 1000 answers took."""

    worst: tuple[float, ...]
    p999: float

    @property
    def usual_worst(self) -> float:
        """The median of the windows' worst."""
        return statistics.median(self.worst)


def run() -> list[Figure]:
    """All of it on a Valkey of this bench alone, beside an idle one."""
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        with redis_server(Path(folder)) as idle:
            figures = _clear(server, idle)
        figures += _reclaim(server)
    return [*figures, asyncio.run(_invalidation())]


def _clear(server: RedisServer, idle: RedisServer) -> list[Figure]:
    _fill(server)
    with _readers(server) as readers, _processes([(_ask, (server.port, idle.port))]) as (probe,):
        assert probe.recv() == "ready"
        clear_ms, cleared_at, took_seconds = asyncio.run(_clear_and_wait(server))
        busy, calm = _asked(probe, "felt")
        last_served = [_asked(reader, "last") for reader in readers]
    late = [max(0.0, served - cleared_at) * 1000 for served in last_served]
    left = server.call("DBSIZE")
    return [
        Figure(f"clear of {KEYS // 2:,} of {KEYS:,} keys", clear_ms, "ms", 10.0),
        Figure(f"served after it by {READERS} processes", max(late), "ms", 250.0, "the last time an old value was"),
        Figure(
            "another client's worst stall over idle",
            max(0.0, busy.usual_worst - calm.usual_worst) * 1000,
            "ms",
            20.0,
            f"{_told(busy)}, of an idle server {_told(calm)}; giving back took {took_seconds:.0f} s, "
            f"{left:,} keys are left",
        ),
    ]


def _told(felt: Felt) -> str:
    usual, worst, p999 = felt.usual_worst * 1000, max(felt.worst) * 1000, felt.p999 * 1000
    return f"usual worst of {len(felt.worst)} windows {usual:.1f} ms, worst {worst:.1f}, p99.9 {p999:.1f}"


async def _clear_and_wait(server: RedisServer) -> tuple[float, float, float]:
    """Milliseconds of the clear, when it was done, and seconds until the memory was given back."""
    from perfctl.cache.coherence.reclaim import remaining

    async with AdvancedCache(_config(server)) as cache:
        await cache.set("k0", "the connection is there", namespace="other")
        await asyncio.sleep(1.5)
        started = time.monotonic()
        await cache.clear("api")
        done = time.monotonic()
        while await _keys_left(server) or await remaining(cache.store, cache.layout, "api"):
            await asyncio.sleep(0.5)
        return (done - started) * 1000, done, time.monotonic() - done


async def _keys_left(server: RedisServer) -> bool:
    size: int = await asyncio.to_thread(server.call, "DBSIZE")
    return size > KEYS // 2 + 100


def _reclaim(server: RedisServer) -> list[Figure]:
    cli = shutil.which("redis-cli")
    if cli is None:
        return [Figure("cache clear --reclaim / redis-cli", float("nan"), "x", note="redis-cli is not installed")]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        _fill(server)
        ours.append(_wall([sys.executable, "-m", "perfctl", *_words(server)]))
        assert server.call("DBSIZE") < KEYS // 2 + 100, "not all was reclaimed"
        _fill(server)
        scan = f"{cli} -p {server.port} --scan --pattern 'perfctl:api:*' | xargs {cli} -p {server.port} unlink"
        theirs.append(_wall(["sh", "-c", scan]))
    mine, other = statistics.median(ours), statistics.median(theirs)
    note = f"{mine:.1f} s, {other:.1f} s"
    return [Figure("cache clear --reclaim / redis-cli --scan | unlink", mine / other, "x", 0.5, note)]


def _words(server: RedisServer) -> list[str]:
    return ["cache", "clear", "api", "--reclaim", "--yes", "--redis-url", f"redis://127.0.0.1:{server.port}"]


def _wall(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def _fill(server: RedisServer) -> None:
    """Half of the keys in each of two namespaces, with the header and the size of small values."""
    version = 7
    blob = write_header(0, Meta(int(time.time() * 1000), 86_400_000, version), 60) + b"x" * 64
    with server.client() as client:
        client.call("FLUSHALL")
        for namespace in ("api", "other"):
            client.call("SET", _LAYOUT.mark(namespace), version)
            for first in range(0, KEYS // 2, 10_000):
                last = min(first + 10_000, KEYS // 2) - 1
                client.call("EVAL", _FILL, 1, _LAYOUT.namespace(namespace), blob, first, last)


def _config(server: RedisServer) -> CacheConfig:
    return CacheConfig(redis_host="127.0.0.1", redis_port=server.port)


async def _invalidation() -> Figure:
    """What hearing of one changed key costs a process that holds 10,000: CPU time, the median of five rounds."""
    from perfctl.cache.memory import MemoryStore
    from perfctl.cache.serving.hearing import Hearing
    from perfctl.cache.serving.stampede import Stampede

    async with AdvancedCache(CacheConfig(), store=MemoryStore()) as cache:
        works = cache.works
        assert works.shared is not None
        hearing = Hearing(works.tiers, Stampede(works.shared, works.background, lock_seconds=5))
        costs = []
        for _ in range(5):
            await cache.set_many({f"k{number}": number for number in range(10_000)})
            names = [cache.layout.of(f"k{number}") for number in range(0, 10_000, 10)]
            started = time.process_time()
            for name in names:
                hearing.changed([name])
            costs.append((time.process_time() - started) / len(names) * 1e6)
    return Figure("hearing of one changed key of 10,000", statistics.median(costs), "us", 10.0)


@contextmanager
def _readers(server: RedisServer) -> Iterator[list[Connection]]:
    """Processes that read the hot keys of the namespace all the time, from their memory once they have them."""
    asyncio.run(_warm(server))
    with _processes([(_read, server.port)] * READERS) as readers:
        for reader in readers:
            assert reader.recv() == "ready"
        yield readers


async def _warm(server: RedisServer) -> None:
    async with AdvancedCache(_config(server)) as cache:
        await cache.set_many({f"hot{number}": "old" for number in range(HOT)}, namespace="api")


def _read(port: int, parent: Connection) -> None:
    asyncio.run(_read_on(port, parent))


async def _read_on(port: int, parent: Connection) -> None:
    """Tell, when asked, when an old value was served for the last time."""
    async with AdvancedCache(CacheConfig(redis_host="127.0.0.1", redis_port=port)) as cache:
        keys = [f"hot{number}" for number in range(HOT)]
        while len(await cache.get_many(keys, namespace="api")) < HOT:
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)  # until the backplane is verified
        parent.send("ready")
        last = 0.0
        while not parent.poll():
            for key in keys[:: HOT // 50]:
                if await cache.get(key, namespace="api") is not None:
                    last = time.monotonic()
            await asyncio.sleep(0.005)
        parent.recv()
        parent.send(last)


def _ask(ports: tuple[int, int], parent: Connection) -> None:
    """Another client: a GET of each server each millisecond; tells, when asked, what it felt of each."""
    clients = [RawClient(port) for port in ports]
    parent.send("ready")
    windows: list[list[list[float]]] = []
    ends = 0.0
    while not parent.poll():
        if time.perf_counter() >= ends:
            windows.append([[] for _ in clients])
            ends = time.perf_counter() + WINDOW_SECONDS
        for client, took in zip(clients, windows[-1], strict=True):
            started = time.perf_counter()
            client.call("GET", "perfctl:other:k1")
            took.append(time.perf_counter() - started)
        time.sleep(0.001)
    parent.send([_felt([window[place] for window in windows]) for place in range(len(clients))])


def _felt(windows: list[list[float]]) -> Felt:
    windows = [window for window in windows if window]
    answers = sorted(took for window in windows for took in window)
    whole = windows[:-1] or windows
    return Felt(tuple(max(window) for window in whole), answers[int(len(answers) * 0.999)])


@contextmanager
def _processes(targets: list[tuple[Any, Any]]) -> Iterator[list[Connection]]:
    """Processes with a pipe to each; they are ended afterwards."""
    made = []
    for target, argument in targets:
        here, there = _SPAWN.Pipe()
        process = _SPAWN.Process(target=target, args=(argument, there), daemon=True)
        process.start()
        made.append((process, here))
    try:
        yield [pipe for _, pipe in made]
    finally:
        for process, _ in made:
            process.terminate()
            process.join()


def _asked(process: Connection, what: str) -> Any:
    process.send(what)
    return process.recv()
