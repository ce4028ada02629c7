"""What plans of invalidations cost against other ways to choose items, and how long a million URLs take."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from perfctl.cdn.planning import Inventory, Prices, plan_least_cost
from tests.bench.measure import Figure, cost_of
from tests.bench.site_maps import Site, changes, site

SIZES = (10_000, 100_000)
THRESHOLD = 5
"""Of the heuristic that others use: a folder goes as a whole once more than so many of its files changed."""
PRICES = Prices(0.005, 0.00001)
URLS = 1_000_000
CHANGES = 25_000
EDGE_OF_FLOATS = 1 + 1e-9


def run() -> list[Figure]:
    """The figures of each site, and of a million URLs."""
    return [*(figure for size in SIZES for figure in _costs(size)), _seconds()]


def _costs(size: int) -> list[Figure]:
    made = site(size)
    inventory = Inventory.of(made.weights.items())
    figures = []
    for name, changed in changes(made).items():
        plan = plan_least_cost(changed, inventory, prices=PRICES)
        others = {
            "per path": len(changed) * PRICES.item_usd,
            "/*": plan.everything_cost_usd,
            "by folder": _cost(by_folder(changed), changed, made),
        }
        worst = max(plan.cost_usd / cost for cost in others.values())
        told = ", ".join(f"{plan.cost_usd / cost:.3f}x {other}" for other, cost in others.items())
        figures.append(Figure(f"{size:,} URLs, {name}", worst, "x", asked=EDGE_OF_FLOATS, note=told))
    return [*figures, _tagged(made, inventory, size)]


def _tagged(made: Site, inventory: Inventory, size: int) -> Figure:
    changed = changes(made)["1 % of the products"]
    plan = plan_least_cost(changed, inventory, prices=PRICES, tags=made.tags)
    ratio = plan.cost_usd / (len(changed) * PRICES.item_usd)
    note = f"{plan.tags} tags, {plan.exact} paths, collateral {plan.collateral_weight:g}"
    return Figure(f"{size:,} URLs, 1 % of the products by tags", ratio, "x", asked=0.25, note=note)


def by_folder(changed: Sequence[str]) -> list[str]:
    """The items of the heuristic, from the deepest folders upwards."""
    items = set(changed)
    while True:
        folders = Counter(item.removesuffix("/*").rpartition("/")[0] for item in items if item != "/*")
        crowded = [folder for folder, number in folders.items() if number > THRESHOLD]
        if not crowded:
            return sorted(items)
        deepest = max(crowded, key=lambda folder: folder.count("/"))
        items = {item for item in items if not item.startswith(f"{deepest}/")} | {f"{deepest}/*"}


def _cost(items: Sequence[str], changed: Sequence[str], made: Site) -> float:
    prefixes = tuple(item[:-1] for item in items if item.endswith("*")) or ("\0",)
    known = set(changed)
    purged = sum(weight for key, weight in made.weights.items() if key.startswith(prefixes) and key not in known)
    return PRICES.item_usd * len(items) + PRICES.miss_usd * purged


def _seconds() -> Figure:
    """Start, reading, sorting, planning, the front of alternatives and the document, in one process of the CLI."""
    with tempfile.TemporaryDirectory() as name:
        changed, inventory = _written(Path(name), site(URLS).weights)
        words = ["cdn", "plan", "-f", str(changed), "--inventory", str(inventory), "-o", "json"]
        environment = {"PATH": os.environ["PATH"], "HOME": name}
        costs = sorted(cost_of([sys.executable, "-m", "perfctl", *words], environment).cpu_seconds for _ in range(3))
    return Figure(f"{URLS:,} URLs, {CHANGES:,} changes, in all", costs[1], "CPU-s", asked=4.0)


def _written(folder: Path, weights: Mapping[str, int]) -> tuple[Path, Path]:
    dice = random.Random(3)
    keys = list(weights)
    dice.shuffle(keys)
    changed, inventory = folder / "changed.txt", folder / "urls.jsonl"
    changed.write_text("".join(f"{key}\n" for key in dice.sample(keys, CHANGES)))
    inventory.write_text("".join(json.dumps({"path": key, "weight": weights[key]}) + "\n" for key in keys))
    return changed, inventory
