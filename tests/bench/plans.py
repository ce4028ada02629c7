"""Causes found and false warnings on plans of real servers, and the time to examine one.

PERFCTL_PLANS names a folder with `pg15/bad/<code>.json`, `pg15/good/<any>.json`, and the same of `pg18`; by default our
own fixtures, which `python -m tests.plans_corpus` makes. `<code>__<name>.json` stands for further plans of a code.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

from perfctl.db.findings import examine
from perfctl.db.model.plans import Finding
from perfctl.db.plans import read_plan
from tests.bench.measure import Figure

FIXTURES = Path(__file__).parents[1] / "fixtures" / "plans"
FIRST = 3
"""A cause counts as found when it is a warning or critical among so many findings."""
MAY_WARN_FALSELY = 1 / 15


def run() -> list[Figure]:
    """The figures of each version's folder."""
    folder = Path(os.environ.get("PERFCTL_PLANS", FIXTURES))
    return [figure for place in sorted(folder.glob("pg*")) for figure in _figures(place)]


def _figures(place: Path) -> list[Figure]:
    bad, good = sorted((place / "bad").glob("*.json")), sorted((place / "good").glob("*.json"))
    missed = [path.stem for path in bad if path.stem.partition("__")[0] not in _told(path)[:FIRST]]
    false = [path.stem for path in good if set(_told(path)) - {"-"}]
    took = statistics.median(_milliseconds(path) for path in [*bad, *good])
    return [
        Figure(
            f"{place.name}: causes found of {len(bad)}",
            1 - len(missed) / max(len(bad), 1),
            "share",
            at_least=1.0 if len(bad) <= 40 else 0.95,
            note=", ".join(missed[:6]),
        ),
        Figure(
            f"{place.name}: false warnings of {len(good)}",
            len(false) / max(len(good), 1),
            "share",
            asked=MAY_WARN_FALSELY,
            note=", ".join(false[:6]),
        ),
        Figure(f"{place.name}: a plan read and examined", took, "ms"),
    ]


def _told(path: Path) -> list[str]:
    """The codes of the findings in order; of those that are not worth acting on nothing but a dash."""
    return [finding.code if finding.severity != "info" else "-" for finding in _findings(path)]


def _findings(path: Path) -> tuple[Finding, ...]:
    return examine(read_plan(path.read_text(encoding="utf-8")))


def _milliseconds(path: Path) -> float:
    since = time.perf_counter()
    _findings(path)
    return (time.perf_counter() - since) * 1000
