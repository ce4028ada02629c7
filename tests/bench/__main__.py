"""`python -m tests.bench [NAME ...]`: run the benches, print a table, write bench-results/NAME.json."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from tests.bench.measure import Figure

BENCHES = (
    "startup",
    "sandbox",
    "hit_ratio",
    "compression",
    "decorated_hit",
    "stampede",
    "clear",
    "concurrent",
    "preload",
    "logs",
    "history",
    "plans",
    "pool",
    "query_cache",
    "bloat",
    "cdn_logs",
    "content",
    "edge_functions",
    "invalidation_queue",
    "planner",
    "cdn_simulate",
    "recording",
    "metrics_history",
    "compare_gate",
    "api",
)


def main(names: list[str]) -> int:
    """Run the benches of these names, all without names. Exit 1 when a figure is not met."""
    figures = [figure for name in names or BENCHES for figure in _run(name)]
    return 0 if all(figure.is_met is not False for figure in figures) else 1


def _run(name: str) -> list[Figure]:
    if name not in BENCHES:
        raise SystemExit(f"no bench {name!r}; there are {', '.join(BENCHES)}")
    figures: list[Figure] = importlib.import_module(f"tests.bench.{name}").run()
    _print(name, figures)
    _write(name, figures)
    return figures


def _print(name: str, figures: list[Figure]) -> None:
    print(f"{name}")
    for figure in figures:
        print(f"  {figure.name:<44} {figure.value:8.2f} {figure.unit:<6}{_asked(figure)}  {figure.note}".rstrip())


def _asked(figure: Figure) -> str:
    bounds = [f"<= {figure.asked:g}"] if figure.asked is not None else []
    bounds += [f">= {figure.at_least:g}"] if figure.at_least is not None else []
    return f"  asked {' and '.join(bounds)}  {'met' if figure.is_met else 'NOT MET'}" if bounds else ""


def _write(name: str, figures: list[Figure]) -> None:
    folder = Path("bench-results")
    folder.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    rows = [{**asdict(figure), "is_met": figure.is_met} for figure in figures]
    (folder / f"{name}.json").write_text(json.dumps({"bench": name, "machine": machine, "figures": rows}, indent=2))


sys.exit(main(sys.argv[1:]))
