"""Log files against pgBadger 12: the same statements and totals, lines per CPU-second, and memory that stays flat.

A real server writes a log of the three formats; it is repeated, hour by hour, until each file has
PERFCTL_BENCH_LOG_MB (200: some minutes a format). Both read the same file in one process each, one after the other,
and the CPU of the whole process counts, start and output included. pgBadger runs at its cheapest: JSON, no graphs, no
prettified SQL.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.measure import Figure
from tests.logging_server import ENDINGS, PREFIX, logging_server, logs_of, repeated, wait_for_collector, work
from tests.pgbadger import command, counted_by_pgbadger, summed

_MEGABYTE = 1_000_000
_TRANSACTIONS = 800
_PEAK = (
    "import atexit, sys; "
    "atexit.register(lambda: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)); "
    "from perfctl.cli.app import main; main()"
)
"""perfctl that says its peak memory in kB at its end: what the kernel tells of a child counts its parent's, too."""


@dataclass(frozen=True)
class _Run:
    """What one process cost, and what it said."""

    cpu_seconds: float
    told: dict[str, Any]


def run() -> list[Figure]:
    """Per format: CPU of pgBadger over ours, our peak memory over that for a tenth of the file, and what differs."""
    size_mb = int(os.environ.get("PERFCTL_BENCH_LOG_MB", "200"))
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="perfctl-logs-") as name:
        folder = Path(name)
        written = _written(folder)
        for ending in ENDINGS:
            big, small = folder / f"big.{ending}", folder / f"small.{ending}"
            repeated(written[ending], big, size_mb * _MEGABYTE)
            repeated(written[ending], small, size_mb * _MEGABYTE // 10)
            figures += _figures(big, small)
            big.unlink()
    return figures


def _written(folder: Path) -> dict[str, Path]:
    with logging_server(folder) as server:
        work(server, _TRANSACTIONS)
        server.restart()
        wait_for_collector(server)
        kept = {ending: folder / path.name for ending, path in logs_of(server).items()}
        for ending, path in logs_of(server).items():
            kept[ending].write_bytes(path.read_bytes())
    return kept


def _figures(big: Path, small: Path) -> list[Figure]:
    theirs, ours = _ran(command(big, PREFIX)), _ran([sys.executable, "-m", "perfctl", *_words(big)])
    lines = sum(1 for _ in big.open("rb"))
    kind, size = big.suffix[1:], f"{big.stat().st_size // _MEGABYTE} MB, {lines} lines"
    speeds = " and ".join(f"{lines / one.cpu_seconds:.0f}" for one in (ours, theirs))
    peak, for_a_tenth = _peak_mb(big), _peak_mb(small)
    return [
        Figure(f"{kind}: lines per CPU-second over pgBadger's", theirs.cpu_seconds / ours.cpu_seconds, "x",
               at_least=1.5, note=f"{size}; {speeds} lines per CPU-second"),
        Figure(f"{kind}: shapes whose calls or time differ", _differing(ours.told, theirs.told), "", asked=0),
        Figure(f"{kind}: peak memory over that for a tenth", peak / for_a_tenth, "x", asked=1.3, note=f"{peak:.0f} MB"),
    ]  # fmt: skip


def _peak_mb(log: Path) -> float:
    done = subprocess.run([sys.executable, "-c", _PEAK, *_words(log)], capture_output=True, text=True, check=True)
    return int(done.stderr.split()[-1]) / 1000


def _differing(ours: dict[str, Any], theirs: dict[str, Any]) -> int:
    """Shapes that one has and the other has not, or counts otherwise, beyond the rounding of float sums."""
    mine = summed((row["query"], row["calls"], row["total_ms"]) for row in ours["data"]["rows"])
    other = counted_by_pgbadger(theirs)
    near = 1e-6
    return sum(
        words not in mine
        or words not in other
        or mine[words][0] != other[words][0]
        or abs(mine[words][1] - other[words][1]) > max(near * other[words][1], 0.01)
        for words in mine.keys() | other.keys()
    )


def _words(log: Path) -> list[str]:
    return ["db", "slow", "--log", str(log), "--log-line-prefix", PREFIX, "--limit", "0", "-o", "json", "--no-input"]


def _ran(words: Sequence[str]) -> _Run:
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} left with {process.returncode}")
        out.seek(0)
        return _Run(usage.ru_utime + usage.ru_stime, json.load(out))
