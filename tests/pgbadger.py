"""pgBadger (Debian's package) as a second opinion on log files: what it counted, by shapes that can be compared."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from perfctl.db.model.statements import SlowQueries
from perfctl.db.sqltext import normal_form

Counted = Mapping[tuple[str, ...], tuple[int, float]]
"""By the words of a shape: calls and milliseconds."""

FORMATS = {"csv": "csv", "json": "jsonlog", "log": "stderr"}
"""By the ending of the file: pgBadger's name for its format."""
_WORD = re.compile(r"(?<![\w$%?])[a-z_][\w$]*")
_EXPONENT = re.compile(r"e\d+")


def program() -> str:
    """Where it is; a test that needs it is skipped loudly where it is not."""
    found = shutil.which("pgbadger")
    if found is None:
        pytest.skip(
            "SKIPPED LOUDLY: pgbadger is not installed, so nothing was compared with it: apt-get install pgbadger"
        )
    return found


def command(path: Path, prefix: str) -> list[str]:
    """Its cheapest run over one log: one process, JSON to stdout, no graphs, no progress, no prettified SQL."""
    given = ["-p", prefix] if path.suffix == ".log" else []
    return [
        program(), "--quiet", "--jobs", "1", "--format", FORMATS[path.suffix[1:]], *given, "--extension", "json",
        "--outfile", "-", "--pid-file", f"{path}.pid", "--nograph",
        "--no-prettify", "--no-progressbar", str(path),
    ]  # fmt: skip


def answer(path: Path, prefix: str) -> dict[str, object]:
    """What it says of a log."""
    done = subprocess.run(command(path, prefix), capture_output=True, check=True, timeout=600)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def counted_by_pgbadger(told: Mapping[str, object]) -> Counted:
    """Calls and milliseconds of all its databases, by the words of each shape."""
    shapes = [item for by_text in _mapping(told["normalyzed_info"]).values() for item in _mapping(by_text).items()]
    return _by_words((text, int(info["count"]), float(info.get("duration", 0))) for text, info in shapes)


def counted_by_us(told: SlowQueries) -> Counted:
    """Ours, by the same words."""
    return summed((row.query, row.calls, row.total_ms) for row in told.rows)


def summed(shapes: Iterable[tuple[str, int, float]]) -> Counted:
    """Texts of ours with their calls and milliseconds, by the same words."""
    return _by_words((normal_form(text), calls, total_ms) for text, calls, total_ms in shapes)


def _by_words(shapes: Iterable[tuple[str, int, float]]) -> Counted:
    sums: dict[tuple[str, ...], tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for text, calls, total_ms in shapes:
        words = tuple(word for word in _WORD.findall(text.lower()) if not _EXPONENT.fullmatch(word))
        before = sums[words]
        sums[words] = (before[0] + calls, round(before[1] + total_ms, 3))
    return dict(sums)


def _mapping(value: object) -> dict[str, dict[str, object]]:
    assert isinstance(value, dict)
    return value
