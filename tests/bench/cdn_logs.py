"""Access logs against GoAccess: a report of the same file, lines per CPU-second, memory, percentiles.

The project's own generator makes PERFCTL_BENCH_LOG_LINES lines (a million). Both read one plain file (GoAccess reads no
gzip) in one process each, turn about, and the CPU of the whole process counts, start and output included; then perfctl
reads the gzip files as CloudFront delivers them.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from perfctl.cdn.generating import write_corpus
from tests.bench.measure import Figure, cost_of

_ROUNDS = 3
_PEAK = (
    "import atexit, sys; "
    "atexit.register(lambda: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)); "
    "from perfctl.cli.app import main; main()"
)
"""perfctl that says its peak memory in kB at its end: what the kernel tells of a child counts its parent's, too."""


def run() -> list[Figure]:
    """CPU of GoAccess over ours, lines per CPU-second, peak memory of report and misses, the error of percentiles."""
    lines = int(os.environ.get("PERFCTL_BENCH_LOG_LINES", "1000000"))
    with tempfile.TemporaryDirectory(prefix="perfctl-cdn-logs-") as name:
        folder = Path(name)
        write_corpus(folder / "logs", lines=lines, urls=lines // 10)
        plain = folder / "all.tsv"
        with plain.open("wb") as file:
            file.writelines(gzip.decompress(path.read_bytes()) for path in sorted((folder / "logs").iterdir()))
        return [*_speeds(plain, folder / "logs", lines), *_peaks(folder / "logs"), _error(plain)]


def _speeds(plain: Path, packed: Path, lines: int) -> Iterator[Figure]:
    contestants = {"plain": _words("report", plain), "gzip": _words("report", packed)}
    if shutil.which("goaccess"):
        out = str(plain.with_suffix(".json"))
        contestants["goaccess"] = [
            "goaccess", str(plain), "--log-format=CLOUDFRONT", "-o", out, "--no-global-config", "--no-progress",
        ]  # fmt: skip
    costs = _costs(contestants)
    yield Figure("gzip: lines per CPU-second", lines / costs["gzip"], "", at_least=200_000, note=f"{lines} lines")
    yield Figure("plain: lines per CPU-second", lines / costs["plain"], "", at_least=200_000)
    if "goaccess" in costs:
        theirs = f"{lines / costs['goaccess']:.0f} lines per CPU-second are theirs"
        ratio = costs["goaccess"] / costs["plain"]
        yield Figure("plain: lines per CPU-second over GoAccess's", ratio, "x", at_least=8, note=theirs)


def _costs(contestants: dict[str, list[str]]) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(_ROUNDS):
        for name, words in contestants.items():
            cost = cost_of(words, os.environ)
            if cost.exit_code != 0:
                raise RuntimeError(f"{' '.join(words)} left with {cost.exit_code}")
            found[name].append(cost.cpu_seconds)
    return {name: statistics.median(costs) for name, costs in found.items()}


def _peaks(packed: Path) -> Iterator[Figure]:
    for word in ("report", "misses"):
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, *_words(word, packed)[3:]], capture_output=True, text=True, check=True
        )
        yield Figure(f"{word}: peak memory", int(done.stderr.split()[-1]) / 1000, "MB", asked=200)


def _error(plain: Path) -> Figure:
    """The largest error of a percentile, as a share of the exact one."""
    import numpy as np

    done = subprocess.run(_words("report", plain), capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)["data"]["time_taken"]
    with plain.open() as file:
        place = next(line for line in file if line.startswith("#Fields:")).split()[1:].index("time-taken")
        values = np.array([float(line.split("\t")[place]) for line in file if not line.startswith("#")]) * 1000
    exact = np.percentile(values, (50, 95, 99))
    errors = [abs(told[f"p{share}_ms"] - one) / one for share, one in zip((50, 95, 99), exact, strict=True)]
    return Figure("largest error of a percentile", max(errors) * 100, "%", asked=1)


def _words(word: str, place: Path) -> list[str]:
    options: Sequence[str] = ("-o", "json", "--no-input", "-q")
    return [sys.executable, "-m", "perfctl", "cdn", "logs", word, str(place), *options]
