"""How long `perfctl cache preload FILE` takes for a million keys with a TTL, reading, encoding and all.

Against `redis-cli --pipe` on a file of ready commands, which parses nothing, and against a program of redis-py
pipelines of 1,000 on the same lines. Every contestant is a process of its own on an empty server.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.measure import Figure
from tests.bench.server import Server

KEYS = int(os.environ.get("PERFCTL_BENCH_PRELOAD_KEYS", "1000000"))
ROUNDS = int(os.environ.get("PERFCTL_BENCH_ROUNDS", "3"))

_REDIS_PY = """
import json, sys, redis
client = redis.Redis(port=int(sys.argv[2]))
pipeline = client.pipeline(transaction=False)
for number, line in enumerate(open(sys.argv[1]), 1):
    entry = json.loads(line)
    pipeline.set("perfctl:default:" + entry["key"], json.dumps(entry["value"]), ex=entry["ttl"])
    if number % 1000 == 0:
        pipeline.execute()
pipeline.execute()
"""


def run() -> list[Figure]:
    """Interleaved rounds, medians of wall seconds, the peak of our memory."""
    if shutil.which("redis-cli") is None:
        raise SystemExit("redis-cli is not installed: apt-get install redis-tools")
    with Server() as server:
        lines, commands = server.file("entries.jsonl"), server.file("commands.resp")
        _write(lines, commands)
        contestants: dict[str, tuple[list[str], Path | None]] = {
            "redis-cli": (["redis-cli", "-p", str(server.port), "--pipe"], commands),
            "redis-py": ([sys.executable, "-c", _REDIS_PY, str(lines), str(server.port)], None),
            "perfctl": (
                [sys.executable, "-m", "perfctl", "--redis-url", server.url, "cache", "preload", str(lines)],
                None,
            ),
        }
        walls: dict[str, list[float]] = {name: [] for name in contestants}
        peak_mib = 0.0
        for _ in range(ROUNDS):
            for name, (command, stdin) in contestants.items():
                wall, rss_mib = _taken(server, command, stdin)
                walls[name].append(wall)
                peak_mib = max(peak_mib, rss_mib) if name == "perfctl" else peak_mib
    return _figures({name: statistics.median(each) for name, each in walls.items()}, peak_mib)


def _figures(wall: dict[str, float], peak_mib: float) -> list[Figure]:
    def note(other: str) -> str:
        return f"{wall['perfctl']:.2f} s to {wall[other]:.2f} s for {KEYS} keys"

    return [
        Figure("preload, wall to redis-cli --pipe", wall["perfctl"] / wall["redis-cli"], "x", 1.5, note("redis-cli")),
        Figure("preload, wall to redis-py pipelines", wall["perfctl"] / wall["redis-py"], "x", 0.2, note("redis-py")),
        Figure("preload, peak of memory", peak_mib, "MiB", 150),
    ]


def _write(lines: Path, commands: Path) -> None:
    """The same entries as JSON Lines and as commands; about 95 bytes of JSON a value."""
    with lines.open("w") as entries, commands.open("wb") as packed:
        for number in range(KEYS):
            value = {
                "symbol": f"S{number % 5000:05d}",
                "price": 100 + number % 977 + 0.25,
                "volume": number * 7 % 1_000_000,
                "name": f"Company {number % 5000}",
                "at": "2026-03-04",
            }
            key, text = f"quote:{number}", json.dumps(value)
            entries.write(f'{{"key": "{key}", "value": {text}, "ttl": 3600}}\n')
            name, blob = f"perfctl:default:{key}".encode(), text.encode()
            packed.write(
                b"*5\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$2\r\nEX\r\n$4\r\n3600\r\n"
                % (len(name), name, len(blob), blob)
            )


def _taken(server: Server, command: Sequence[str], stdin: Path | None) -> tuple[float, float]:
    """Wall seconds and the peak of memory of a contestant, on an emptied server. RuntimeError when it left keys out."""
    _ask(server, "FLUSHALL")
    with (stdin or Path(os.devnull)).open("rb") as given:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = process.stderr.read().decode() if process.stderr else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.stderr:
            process.stderr.close()
    found = int(_ask(server, "DBSIZE"))
    if process.returncode or found < KEYS:
        raise RuntimeError(f"{command[0]} left with {process.returncode} and {found} of {KEYS} keys: {said}")
    return wall, usage.ru_maxrss / 1024


def _ask(server: Server, command: str) -> str:
    asked = ["redis-cli", "-p", str(server.port), command]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout
