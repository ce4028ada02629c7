"""Hit ratios over traces of requests, and what a get-or-set of the shipped policy costs.

PERFCTL_TRACES names a folder of `.u32.zst` traces; without it five kinds of requests are made up, which says little
about real ones. A cell is a trace at 0.1, 1 or 10 % of its unique keys, where that is 10 entries or more.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from array import array
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import cachetools

from perfctl.cache.policies import SHIPPED, Policy, policy_named, replay
from perfctl.cache.policies.wtinylfu import Shape, WTinyLFU
from perfctl.cache.simulate.size import parse_size
from perfctl.cache.simulate.trace import Trace, read_trace
from tests.bench.measure import Figure

SIZES = ("0.1%", "1%", "10%")
LEAST_ENTRIES = 10
COST_REQUESTS = 50_000
ROUNDS = 3
FIXED = ("LRU", "LFU", "FIFO", "ARC", "SIEVE", "S3-FIFO", "2Q", "WT1", "WT20")
"""Those whose best one in a cell is what the shipped policy is compared with."""
SEED = 1

Row = Mapping[str, float]
"""Hit ratios in percent, by policy."""


@dataclass(frozen=True)
class Cell:
    """A trace at a size, and the capacity that this is."""

    trace: Trace
    size: str
    capacity: int


def run() -> list[Figure]:
    """Every policy over every cell, with entries of one size; then the cost, over the first requests of each."""
    traces, note = _traces()
    cells = list(_cells(traces))
    rows = [_row(cell) for cell in cells]
    _print(cells, rows)
    return [*_ratio_figures(rows, note), _cost_figure(cells)]


def _ratio_figures(rows: Sequence[Row], note: str) -> list[Figure]:
    is_real = not note
    means = {name: statistics.mean(row[name] for row in rows) for name in rows[0]}
    gaps = [max(row[name] for name in FIXED) - row[SHIPPED] for row in rows]
    others = ", ".join(f"{name} {mean:.1f}" for name, mean in means.items() if name != SHIPPED)
    return [
        Figure("mean hit ratio", means[SHIPPED], "%", at_least=38.9 if is_real else None, note=f"{others} {note}"),
        Figure("mean regret to the limit", means["OPT"] - means[SHIPPED], "points", asked=9.7 if is_real else None),
        Figure("worst cell below the best fixed policy", max(gaps), "points", asked=4.5 if is_real else None),
    ]


def _row(cell: Cell) -> dict[str, float]:
    keys = cell.trace.keys
    row = {name: 100 * replay(make(), keys, cell.capacity) / len(keys) for name, make in _contestants(keys).items()}
    row["theine"] = 100 * _theine_hits(keys, cell.capacity) / len(keys)
    return row


def _contestants(keys: Sequence[int]) -> dict[str, Callable[[], Policy]]:
    named = {SHIPPED: SHIPPED} | {name: name.lower().replace("-", "") for name in FIXED if not name.startswith("WT")}
    makers: dict[str, Callable[[], Policy]] = {
        shown: lambda name=name: policy_named(name, seed=SEED)  # type: ignore[misc]
        for shown, name in named.items()
    }
    makers["WT1"] = lambda: WTinyLFU(SEED, Shape(0.01))
    makers["WT20"] = lambda: WTinyLFU(SEED, Shape(0.2))
    makers["OPT"] = lambda: policy_named("opt", future=keys)
    return makers


def _theine_hits(keys: Sequence[int], capacity: int) -> int:
    from theine import Cache

    cache: Any = Cache(capacity)
    hits = 0
    for key in keys:
        if cache.get(key)[1]:
            hits += 1
        else:
            cache.set(key, True)
    cache.close()
    return hits


def _cost_figure(cells: Sequence[Cell]) -> Figure:
    """CPU of the policy with a dict, over that of cachetools: sums over the cells of the medians of turns."""
    ours = theirs = 0.0
    worst = 0.0
    for cell in cells:
        keys = cell.trace.keys[:COST_REQUESTS]
        mine, other = [], []
        for _ in range(ROUNDS):
            mine.append(_cpu(lambda: replay(policy_named(SHIPPED, seed=SEED), keys, cell.capacity)))  # noqa: B023
            other.append(_cpu(lambda: _get_or_set(cachetools.LRUCache(cell.capacity), keys)))  # noqa: B023
        ours += statistics.median(mine) / len(keys)
        theirs += statistics.median(other) / len(keys)
        worst = max(worst, statistics.median(mine) / statistics.median(other))
    each = (
        f"{1e6 * ours / len(cells):.2f} us against {1e6 * theirs / len(cells):.2f} us, {worst:.2f}x in the worst cell"
    )
    return Figure("get-or-set / cachetools.LRUCache", ours / theirs, "x", asked=2.0, note=each)


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _get_or_set(cache: Any, keys: Sequence[int]) -> None:
    get = cache.get
    for key in keys:
        if get(key) is None:
            cache[key] = True


def _cells(traces: Sequence[Trace]) -> Iterator[Cell]:
    for trace in traces:
        for size in SIZES:
            capacity = parse_size(size).capacity(trace.unique)
            if capacity >= LEAST_ENTRIES:
                yield Cell(trace, size, capacity)


def _traces() -> tuple[list[Trace], str]:
    folder = os.environ.get("PERFCTL_TRACES")
    if folder:
        return [read_trace(str(path)) for path in sorted(Path(folder).glob("*.u32.zst"))], ""
    made = [_made_up(name, make(random.Random(SEED))) for name, make in KINDS.items()]
    return made, "(made-up requests; PERFCTL_TRACES names a folder of real ones)"


def _made_up(name: str, keys: Sequence[int]) -> Trace:
    numbers: dict[int, int] = {}
    ids = array("I", [numbers.setdefault(key, len(numbers)) for key in keys])
    return Trace(name, ids, len(numbers), len(ids))


def _zipf(draw: random.Random, requests: int = 100_000, keys: int = 20_000) -> list[int]:
    weights = list(accumulate(1 / rank for rank in range(1, keys + 1)))
    return [bisect(weights, draw.random() * weights[-1]) for _ in range(requests)]


def _zipf_with_scans(draw: random.Random) -> list[int]:
    keys = _zipf(draw)
    for start in range(10_000, 100_000, 20_000):
        keys[start : start + 5_000] = range(100_000 + start, 105_000 + start)
    return keys


def _loop(draw: random.Random) -> list[int]:
    return [turn % 5_000 for turn in range(100_000)]


def _shifting(draw: random.Random) -> list[int]:
    return [key + 500 * (turn // 10_000) for turn, key in enumerate(_zipf(draw))]


def _recent(draw: random.Random) -> list[int]:
    return [turn // 10 - int(draw.expovariate(1 / 200)) for turn in range(100_000)]


KINDS: Mapping[str, Callable[[random.Random], list[int]]] = {
    "zipf": _zipf,
    "zipf with scans": _zipf_with_scans,
    "loop": _loop,
    "shifting zipf": _shifting,
    "recent": _recent,
}


def _print(cells: Sequence[Cell], rows: Sequence[Row]) -> None:
    names = list(rows[0])
    print("| trace | size | entries | " + " | ".join(names) + " |")
    print("|" + "---|" * (len(names) + 3))
    for cell, row in zip(cells, rows, strict=True):
        shown = " | ".join(f"{row[name]:.1f}" for name in names)
        print(f"| {Path(cell.trace.name).name.partition('.')[0]} | {cell.size} | {cell.capacity} | {shown} |")
    means = " | ".join(f"{statistics.mean(row[name] for row in rows):.2f}" for name in names)
    print(f"| **mean of {len(rows)}** | | | {means} |")
