"""Tags beside paths: never dearer than paths alone, near the best of all sets of tags, and what they purge counted."""

from __future__ import annotations

import itertools
import random

import pytest

from perfctl.cdn.planning import Inventory, Prices, plan_least_cost
from tests.campaign import SOAKS

CASES = 1000 if SOAKS else 60


def _products(number: int) -> Inventory:
    """A page, three pictures and two answers of an API for each product, with its tag on all of them."""
    forms = (
        "/products/{}.html",
        "/img/{}/a.jpg",
        "/img/{}/b.jpg",
        "/img/{}/c.jpg",
        "/api/products/{}",
        "/api/stock/{}",
    )
    pairs = [(form.format(product), 5.0) for product in range(number) for form in forms]
    tags = {f"product-{product}": [form.format(product) for form in forms] for product in range(number)}
    return Inventory.of(pairs, tags=tags)


def test_a_product_goes_by_its_tag_for_one_item() -> None:
    shop = _products(200)
    changed = [key for product in (3, 70, 131) for key in shop.tags[f"product-{product}"]]
    plan = plan_least_cost(changed, shop, prices=Prices())
    assert plan.items == ("#product-131", "#product-3", "#product-70")
    assert (plan.cost_usd, plan.collateral_weight, plan.objects) == (0.015, 0.0, 18)


def test_no_tag_is_sent_where_none_may_be() -> None:
    shop = _products(200)
    plan = plan_least_cost(shop.tags["product-3"], shop, prices=Prices(), tags={})
    assert (plan.tags, plan.exact + plan.wildcards) == (0, 4)


def test_a_tag_that_purges_too_much_besides_is_left_alone() -> None:
    everything = [f"/{number}" for number in range(1000)]
    inventory = Inventory.of([(key, 10.0) for key in everything], tags={"all": everything})
    plan = plan_least_cost(["/1", "/500"], inventory, prices=Prices(0.005, 0.00001))
    assert plan.items == ("/1", "/500")


def test_what_two_items_purge_counts_once() -> None:
    inventory = Inventory.of(
        [("/a/1", 1), ("/a/2", 1), ("/b", 1), ("/c", 7)], tags={"x": ["/a/1", "/b", "/c"], "y": ["/a/2", "/c"]}
    )
    plan = plan_least_cost(["/a/1", "/a/2", "/b"], inventory, prices=Prices(1, 0.0001), max_wildcards=0)
    assert (plan.items, plan.collateral_weight, plan.objects) == (("/a/2", "#x"), 7.0, 4)
    plan = plan_least_cost(["/a/1", "/a/2"], inventory, prices=Prices(1, 1), max_wildcards=1)
    assert (plan.items, plan.collateral_weight, plan.objects) == (("/a/*",), 0.0, 2)


def test_with_tags_it_is_never_dearer_than_without_and_mostly_the_best() -> None:
    ratios = []
    for seed in range(CASES):
        dice = random.Random(seed)
        keys = sorted({"/" + "".join(dice.choice("ab/") for _ in range(3)) for _ in range(9)})
        tags = {f"t{number}": dice.sample(keys, dice.randint(1, min(4, len(keys)))) for number in range(4)}
        inventory = Inventory.of([(key, dice.randrange(4)) for key in keys], tags=tags)
        changed, prices = dice.sample(keys, dice.randint(1, min(6, len(keys)))), Prices(1, 0.3)
        found = plan_least_cost(changed, inventory, prices=prices, max_wildcards=2)
        alone = plan_least_cost(changed, inventory, prices=prices, max_wildcards=2, tags={})
        assert found.cost_usd <= alone.cost_usd
        ratios.append(found.cost_usd / _best(changed, inventory, prices))
    assert min(ratios) >= 1 - 1e-9
    assert sum(ratio < 1 + 1e-9 for ratio in ratios) >= 0.9 * len(ratios)
    assert sum(ratios) / len(ratios) < 1.02


def _best(changed: list[str], inventory: Inventory, prices: Prices) -> float:
    """By trying every set of tags with every set of prefixes."""
    costs = []
    prefixes = sorted({key[:end] for key in changed for end in range(1, len(key) + 1)})
    for tags in _subsets(list(inventory.tags), 4):
        tagged = {key for tag in tags for key in inventory.tags[tag]}
        for chosen in _subsets(prefixes, 2):
            rest = [key for key in set(changed) - tagged if not key.startswith(chosen or ("\0",))]
            purged = {key for key in inventory.keys if key in tagged or key.startswith(chosen or ("\0",))}
            weight = sum(
                inventory.weight(place, place + 1)
                for place, key in enumerate(inventory.keys)
                if key in purged and key not in changed
            )
            costs.append(prices.item_usd * (len(rest) + len(tags) + len(chosen)) + prices.miss_usd * weight)
    return min(costs)


def _subsets(values: list[str], most: int) -> list[tuple[str, ...]]:
    return [chosen for number in range(most + 1) for chosen in itertools.combinations(values, number)]


@pytest.mark.parametrize("tag", ["a b", "é", "x,y", "", "*"])
def test_what_cloudfront_takes_for_no_tag_is_never_sent(tag: str) -> None:
    inventory = Inventory.of([("/a", 1), ("/b", 1)], tags={tag: ["/a", "/b"]})
    assert plan_least_cost(["/a", "/b"], inventory, prices=Prices(1, 1), max_wildcards=0).items == ("/a", "/b")


def test_a_wildcard_that_was_asked_for_is_sent_though_a_tag_purges_what_it_is_called_after() -> None:
    known = Inventory.of([("/blog/", 1), ("/", 1), ("/z", 9)], tags={"news": ["/blog/", "/"]})
    plan = plan_least_cost(["/"], known, prices=Prices(1, 5), wildcards=["/blog/*"])
    assert "/blog/*" in plan.items
    assert plan.cost_usd == 2.0
