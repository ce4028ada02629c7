"""What-ifs from access logs: events per CPU-second of the replay, memory that stays flat, and the error of the answer.

The logs are made up (PERFCTL_BENCH_LINES requests, a million by default). The replay is compared with one that goes
from request to request through a dictionary, in the same run. The error is that of what was told for another TTL from
the logs of 60 seconds, against the same requests answered under that TTL.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from perfctl.cdn.generating import write_corpus
from perfctl.cdn.logs.arrays import np
from perfctl.cdn.logs.columns import Block, read
from perfctl.cdn.logs.locations import files_of
from perfctl.cdn.model.simulation import CdnSimulation
from perfctl.cdn.simulating.bill import Prices
from perfctl.cdn.simulating.fitting import Baseline, fitted
from perfctl.cdn.simulating.layouts import Columns, Layout, Places, keys_of
from perfctl.cdn.simulating.queries import QueryRule
from perfctl.cdn.simulating.requests import Intake
from perfctl.cdn.simulating.study import simulated
from perfctl.cdn.simulating.wanted import Wanted
from perfctl.cdn.simulating.whatif import Change, Portion
from tests.bench.measure import Figure

_ROUNDS = 3
_HOUR_MS = 3_600_000
_PEAK = (
    "import atexit, sys; "
    "atexit.register(lambda: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)); "
    "from perfctl.cli.app import main; main()"
)


def run() -> list[Figure]:
    """The figures, on made-up logs in a temporary folder."""
    lines = int(os.environ.get("PERFCTL_BENCH_LINES", "1000000"))
    with tempfile.TemporaryDirectory(prefix="perfctl-simulate-") as name:
        folder = Path(name)
        made = _cpu(lambda: write_corpus(folder / "minute", lines=lines, ttl_seconds=60))
        return [
            Figure("making up logs", lines / made / 1000, "k/s", at_least=40, note="lines per CPU-second, v1 gzip"),
            *_speeds(folder / "minute"),
            *_errors(folder, lines),
            *_memory(folder / "minute"),
        ]


def _speeds(folder: Path) -> list[Figure]:
    """Each what-if by itself, the sorting for it included, and the plain replay between them."""
    events, places, baseline = _prepared(folder)
    changes = {
        "another TTL": Change(ttl_ms=_HOUR_MS),
        "no query": Change(query=QueryRule(drop=("all",))),
        "Origin Shield": Change(shield="us-east-1"),
    }
    costs: dict[str, list[float]] = {name: [] for name in (*changes, "plain")}
    for _ in range(_ROUNDS):
        for name, change in changes.items():
            portion = Portion(events, baseline, places)
            costs[name].append(_cpu(lambda portion=portion, change=change: portion.replay(change)))  # type: ignore[misc]
        costs["plain"].append(_cpu(lambda: _plain(events)))
    median = {name: statistics.median(found) for name, found in costs.items()}
    return [
        *(
            Figure(name, len(events) / median[name] / 1e6, "M/s", at_least=1.0, note="events per CPU-second")
            for name in changes
        ),
        Figure("a plain dictionary / another TTL", median["plain"] / median["another TTL"], "x", note="CPU"),
    ]


def _prepared(folder: Path) -> tuple[np.ndarray, Places, Baseline]:
    intake = Intake()
    events = np.concatenate([intake.events(block) for block in _blocks(folder)])
    places = Places(intake.names)
    return events, places, fitted(lambda: [events], Layout("location", "query"), places, len(intake.names.groups))


def _plain(events: np.ndarray) -> int:
    """How many are fetched, with one dictionary of what lies where since when."""
    order = np.argsort(events["second"], kind="stable")
    columns = (keys_of(Columns(events), "query"), events["location"], events["second"])
    held: dict[tuple[int, int], int] = {}
    fetched = 0
    for key, place, second in zip(*(column[order].tolist() for column in columns), strict=True):
        since = held.get((key, place))
        if since is None or second - since >= _HOUR_MS // 1000:
            held[key, place] = second
            fetched += 1
    return fetched


def _errors(folder: Path, lines: int) -> list[Figure]:
    """In points of hit ratio: Hit alone, and with RefreshHit."""
    result = _simulated(folder / "minute", Wanted(ttls_seconds=(10.0, 3_600.0, 86_400.0)))
    figures = [Figure("residual of the replay", abs(result.residual or 0) * 100, "points", asked=0.5)]
    for name, seconds in (("TTL 10s", 10.0), ("TTL 1h", 3_600.0), ("TTL 1d", 86_400.0)):
        truth = write_corpus(folder / f"{seconds:g}", lines=lines, ttl_seconds=seconds)
        told = next(row for row in result.rows if row.name == name)
        off = max(abs(told.hits - truth.hits), abs((told.hit_ratio or 0) - (truth.hit_ratio or 0)) * lines) / lines
        figures.append(Figure(f"error of {name}", off * 100, "points", asked=0.5, note="told from logs of 60 s"))
    return figures


def _memory(folder: Path) -> list[Figure]:
    """Of the whole command, and of one that reads the same logs three times over."""
    figures = []
    for times in (1, 3):
        copies = folder.parent / f"copies-{times}"
        for number in range(times):
            (copies / str(number)).mkdir(parents=True)
            for path in folder.iterdir():
                os.link(path, copies / str(number) / path.name)
        command = [sys.executable, "-c", _PEAK, "cdn", "simulate", str(copies), "--ttl", "1h", "-q"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        figures.append(Figure(f"peak memory, logs x{times}", int(ran.stderr.split()[-1]) / 1000, "MB", asked=250))
    return figures


def _simulated(folder: Path, wanted: Wanted) -> CdnSimulation:
    prices = Prices(0.01, 0.009, 0.085, 0.0, 0.00001)
    return simulated([str(folder)], _blocks(folder), wanted, prices)


def _blocks(folder: Path) -> Iterator[Block]:
    for source in files_of([str(folder)]):
        yield from read(source)


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
