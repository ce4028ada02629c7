"""The least-cost plan: as cheap as the best of all prefixes, whatever the keys look like."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.model.planning import LeastCost, PlannedItem
from perfctl.cdn.paths import LONGEST_PATH, encode_key
from perfctl.cdn.planning import Inventory, Prices, plan_least_cost
from perfctl.cdn.planning.trie import sendable_prefix
from perfctl.errors import RefusedError, UsageError
from tests.campaign import campaign

Cost = tuple[Fraction, int, Fraction]

ALPHABETS = ("ab/", "a/", "ab?=/", "ab/*", "a%4b/", "aé/", "a /~")
PRICES = (Prices(0.005, 0.001), Prices(1, 1), Prices(0, 1), Prices(1, 0), Prices(3, 1), Prices(1, 0.25))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], dict[str, float], Prices, int]:
    """Changed keys, an inventory, prices and a number of wildcards, small enough to try everything."""
    keys = st.text(draw(st.sampled_from(ALPHABETS)), max_size=4).map(lambda body: "/" + body)
    weights = st.sampled_from((0, 1, 2, 5, 0.5, 0.1))
    inventory = draw(st.dictionaries(keys, weights, max_size=10))
    changed = draw(st.lists(st.one_of(keys, st.sampled_from(sorted(inventory) or ["/"])), min_size=1, max_size=6))
    return changed, inventory, draw(st.sampled_from(PRICES)), draw(st.integers(0, 3))


@campaign(250, 4000)
@given(cases())
def test_it_costs_as_little_as_the_best_of_all_prefixes(case: tuple[list[str], dict[str, float], Prices, int]) -> None:
    changed, inventory, prices, wildcards = case
    best = _best(changed, inventory, prices, wildcards)
    if best is None:
        with pytest.raises(UsageError, match="only a wildcard covers it"):
            _plan(changed, inventory, prices, wildcards)
        return
    found = _plan(changed, inventory, prices, wildcards)
    assert (found.cost_usd, len(found.items)) == (float(best[0]), best[1])
    assert found.collateral_weight == float(best[2])
    assert all(_covers(found.items, encode_key(key)) for key in changed)
    assert found == _plan(list(reversed(changed)), dict(reversed(inventory.items())), prices, wildcards)


def _plan(changed: Sequence[str], inventory: Mapping[str, float], prices: Prices, wildcards: int = 15) -> LeastCost:
    return plan_least_cost(changed, Inventory.of(inventory.items()), prices=prices, max_wildcards=wildcards)


def _best(changed: Sequence[str], inventory: Mapping[str, float], prices: Prices, wildcards: int) -> Cost | None:
    """By trying every set of prefixes: least cost, then items, then collateral."""
    keys = sorted({encode_key(key) for key in changed})
    weights: dict[str, Fraction] = {}
    for key, weight in inventory.items():
        weights[encode_key(key)] = weights.get(encode_key(key), Fraction(0)) + Fraction(weight)
    prefixes = sorted({sendable_prefix(key[:end]) for key in keys for end in range(1, len(key) + 1)})
    item, miss = prices.exact
    costs: list[Cost] = []
    for number in range(min(wildcards, len(keys)) + 1):
        for chosen in itertools.combinations(prefixes, number):
            rest = [key for key in keys if not key.startswith(chosen)] if chosen else keys
            if any("*" in key for key in rest):
                continue
            purged = (key for key in weights if chosen and key.startswith(chosen) and key not in keys)
            collateral = sum((weights[key] for key in purged), Fraction(0))
            count = len(rest) + number
            costs.append((item * count + miss * collateral, count, collateral))
    return min(costs, default=None)


def _covers(items: Sequence[str], key: str) -> bool:
    return any(key.startswith(item[:-1]) if item.endswith("*") else key == item for item in items)


def test_a_key_that_is_the_beginning_of_another_is_covered_with_it() -> None:
    found = _plan(["/a", "/a/b"], {"/a": 1, "/a/b": 1, "/b": 9}, Prices(1, 1))
    assert (found.items, found.cost_usd) == (("/a*",), 1.0)


def test_without_wildcards_each_path_is_an_item() -> None:
    assert _plan(["/b", "/a", "/a"], {"/a": 1}, Prices(), 0).items == ("/a", "/b")


def test_everything_may_be_the_cheapest() -> None:
    assert _plan(["/", "/a", "/b"], {}, Prices()).items == ("/*",)


def test_a_changed_key_that_nobody_knows_costs_an_item_like_any_other() -> None:
    found = _plan(["/new"], {"/old": 3}, Prices(0.005, 0.001))
    assert (found.items, found.cost_usd, found.objects) == (("/new",), 0.005, 0)


def test_only_a_wildcard_covers_a_key_with_a_star() -> None:
    found = _plan(["/a*b", "/c"], {"/a*b": 1, "/a1": 2, "/c": 9, "/d": 9}, Prices(1, 1))
    assert (found.items, found.collateral_weight, found.cost_usd) == (("/a*", "/c"), 2.0, 4.0)


def test_a_key_with_a_star_at_its_end_is_that_key_and_no_wish_for_all_below_it() -> None:
    found = _plan(["/a*"], {"/a*": 1, "/a1": 2}, Prices(1, 1))
    assert (found.items, found.collateral_weight) == (("/a*",), 2.0)


def test_a_key_that_is_too_long_to_send_is_covered_by_a_wildcard() -> None:
    (item,) = _plan(["/" + "a" * 5000], {}, Prices()).items
    assert (len(item), item[-1]) == (LONGEST_PATH, "*")


def test_a_wildcard_never_ends_within_an_escape() -> None:
    found = _plan(["/%C3%A9", "/%C3%A8"], {"/%C2%A9": 1}, Prices(1, 0))
    assert found.items == ("/%C3*",)


def test_keys_are_never_normalised() -> None:
    keys = ["/a/../b", "//a", "/A", "/a/", "/a?x=1&y=2", "/a?y=2&x=1", "/%41"]
    assert set(_plan(keys, dict.fromkeys(keys, 1), Prices(), 0).items) == set(keys)


def test_the_details_say_what_each_wildcard_purges() -> None:
    found = _plan(["/a/1", "/a/2", "/b"], {"/a/1": 1, "/a/2": 1, "/a/3": 4, "/b": 1, "/z": 50}, Prices(1, 0.1))
    assert found.details == (PlannedItem("/a/*", "wildcard", 2, 3, 4.0),)
    assert (found.objects, found.known, found.changed) == (4, 5, 3)
    assert (found.per_path_cost_usd, found.everything_cost_usd) == (3.0, 6.4)


@pytest.mark.parametrize("path", ["a", "", "https://e.com/a", "/\ud800"])
def test_what_is_no_path_is_named(path: str) -> None:
    with pytest.raises(UsageError):
        _plan([path], {}, Prices())


@pytest.mark.parametrize("prices", [(-1.0, 0.0), (0.0, float("nan")), (float("inf"), 0.0), (1e308, 0.0)])
def test_what_is_no_price_is_refused(prices: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="the price of"):
        Prices(*prices)


def test_a_limit_of_collateral_makes_the_plan_narrower_and_dearer() -> None:
    inventory = Inventory.of([(f"/{folder}/{page}", 1) for folder in "abc" for page in range(10)])
    changed = [f"/{folder}/{page}" for folder in "abc" for page in range(4)]
    prices = Prices(1, 0.01)
    plans = [
        plan_least_cost(changed, inventory, prices=prices, max_collateral=limit) for limit in (None, 17.0, 6.0, 0.0)
    ]
    assert [plan.collateral_weight for plan in plans] == sorted(
        (plan.collateral_weight for plan in plans), reverse=True
    )
    assert all(plan.collateral_weight <= limit for plan, limit in zip(plans[1:], (17, 6, 0), strict=True))
    assert [plan.cost_usd for plan in plans] == sorted(plan.cost_usd for plan in plans)


def test_a_limit_of_collateral_that_no_plan_keeps_is_refused() -> None:
    with pytest.raises(RefusedError, match="the least is 2") as caught:
        plan_least_cost(["/a*"], Inventory.of([("/a1", 2)]), prices=Prices(), max_collateral=1)
    assert caught.value.hint == "raise --max-collateral to 2"


def test_a_plan_over_the_limit_of_cost_is_refused_with_what_it_would_cost() -> None:
    with pytest.raises(RefusedError, match=r"costs \$0.01, over the limit of \$0.005"):
        plan_least_cost(["/a", "/b"], Inventory(), prices=Prices(), max_wildcards=0, max_cost=0.005)


def test_a_limit_of_cost_that_is_no_number_lets_nothing_pass() -> None:
    with pytest.raises(RefusedError):
        plan_least_cost(["/a"], Inventory(), prices=Prices(), max_cost=float("nan"))


@pytest.mark.parametrize("seed", range(8))
def test_the_front_falls_in_collateral_and_rises_in_items(seed: int) -> None:
    dice = random.Random(seed)
    keys = ["/" + "".join(dice.choice("ab/") for _ in range(6)) for _ in range(80)]
    inventory = Inventory.of([(key, dice.randrange(5)) for key in keys])
    found = plan_least_cost(dice.sample(keys, 25), inventory, prices=Prices(1, 0.5), front=7)
    front = found.front
    assert 1 <= len(front) <= 7
    assert [one.collateral_weight for one in front] == sorted({one.collateral_weight for one in front}, reverse=True)
    assert [one.items for one in front] == sorted({one.items for one in front})
    assert [one.miss_price_usd for one in front] == sorted(one.miss_price_usd for one in front)
    (chosen,) = [one for one in front if one.is_chosen]
    assert (chosen.items, chosen.cost_usd) == (len(found.items), found.cost_usd)
    assert min(one.cost_usd for one in front) == found.cost_usd


def test_nothing_changed_is_nothing_to_send() -> None:
    found = plan_least_cost([], Inventory.of([("/a", 1)]), prices=Prices(), front=9)
    assert (found.items, found.cost_usd, found.front) == ((), 0.0, ())


def test_wildcards_that_were_asked_for_are_sent_or_a_wider_one_is() -> None:
    inventory = Inventory.of([("/a/1", 5), ("/a/2", 5), ("/b/1", 100)])
    plan = plan_least_cost(["/a/1", "/b/1"], inventory, prices=Prices(1, 1), wildcards=["/a/*"])
    assert (plan.items, plan.collateral_weight) == (("/*",), 0.0)
    plan = plan_least_cost([], inventory, prices=Prices(1, 1), wildcards=["/a/*", "/a/x/*", "/c*"], max_wildcards=0)
    assert (plan.items, plan.collateral_weight) == (("/a/*", "/c*"), 0.0)


def test_a_plan_that_purges_everything_is_doubted_where_the_inventory_knows_little() -> None:
    from perfctl.cli.cdn_plan import doubt_of

    prices = Prices(0.005, 0.000_001)
    changed = ["/a", "/b"]
    little = plan_least_cost(changed, Inventory.of([("/x", 3)]), prices=prices)
    whole = plan_least_cost(changed, Inventory.of([(f"/{sign}", 1) for sign in "abcdef"]), prices=prices)
    assert (little.items, little.changed_known, whole.items, whole.changed_known) == (("/*",), 0, ("/*",), 2)
    assert "knows 1 URL (0 of 2 changed paths)" in (doubt_of(little) or "")
    assert doubt_of(whole) is None
