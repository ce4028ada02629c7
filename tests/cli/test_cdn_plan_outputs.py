"""The least-cost plan as it is drawn: 80 and 120 columns, and plain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfctl.cdn.model.invalidations import InvalidationReport, SentInvalidation
from perfctl.cdn.model.planning import LeastCost
from perfctl.cdn.planning import Inventory, Prices, plan_least_cost
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("cdn")


def _shop() -> LeastCost:
    pages = [
        (f"/{language}/products/{number}.html", 4 + number % 7) for language in ("de", "en") for number in range(60)
    ]
    answers = [(f"/api/products/{number}", 9) for number in range(60)]
    tags = {"product-7": ["/api/products/7", "/en/products/7.html", "/de/products/7.html"]}
    changed = [key for key, _ in pages if key.startswith("/de/")][:45]
    inventory = Inventory.of([*pages, *answers], tags=tags)
    found = plan_least_cost(
        [*changed, *tags["product-7"], "/en/products/9.html", "/en/products/41.html"],
        inventory,
        prices=Prices(0.005, 0.0001),
        front=9,
    )
    return replace(found, inventory="urls.jsonl (cdn.inventory)")


ANSWERS = {
    "invalidation-nothing": InvalidationReport(
        distribution_id="E2QWRUHAPOMQZL",
        invalidation_id=None,
        status="Completed",
        paths=(),
        items=0,
        wildcards=0,
        tags=0,
        dropped=0,
        cost_usd=0.0,
        waited_seconds=0.0,
        dry_run=False,
        invalidations=(SentInvalidation("E2QWRUHAPOMQZL", None, "Completed", 0, 0),),
    ),
    "plan": _shop(),
    "plan-nothing": plan_least_cost([], Inventory(), prices=Prices()),
    "invalidation-planned": InvalidationReport(
        distribution_id="E2QWRUHAPOMQZL",
        invalidation_id=None,
        status="planned",
        paths=("/de/products/*", "/index.html"),
        items=2,
        wildcards=1,
        tags=0,
        dropped=1,
        cost_usd=0.01,
        waited_seconds=0.0,
        dry_run=True,
        invalidations=(SentInvalidation("E2QWRUHAPOMQZL", None, "planned", 2, 1),),
        strategy="cheapest",
        objects=1204,
        collateral_weight=31.0,
        collateral_ratio=0.0213,
        skipped=12,
        free_left=998,
        rounds=1,
        estimated_seconds=25.0,
    ),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_drawing_is_the_golden_one(name: str, width: int) -> None:
    text = _drawn(name, "table", width)
    assert all(len(line) <= width for line in text.splitlines())
    assert text == _golden(f"{name}-{width}.txt", text)


@pytest.mark.parametrize("name", ANSWERS)
def test_plain_text_is_the_golden_one(name: str) -> None:
    text = _drawn(name, "plain", 80)
    assert text == _golden(f"{name}-plain.txt", text)


def _drawn(name: str, output: str, width: int) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("cdn", name))
