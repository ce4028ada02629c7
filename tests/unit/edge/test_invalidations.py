"""What may be asked to be invalidated, how much at once, and when it has happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.cdn.delivery.cache_key import canonical
from perfctl.sandbox.edge.account import Account, open_account
from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.invalidations import Bill, Invalidation, check_items, kind_of, scope_of
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.store import Store


def create(account: Account, *items: str, reference: str | None = None, distribution: str = "ESAMPLE") -> Invalidation:
    name = reference or "-".join(items)[:80] + str(account.invalidations.bill().paths)
    return account.invalidations.create(distribution, name, items, tags_enabled=True)


def code_of(account: Account, *items: str, reference: str | None = None) -> str:
    with pytest.raises(ServiceProblem) as caught:
        create(account, *items, reference=reference)
    return caught.value.code


@pytest.mark.parametrize(
    "item",
    ["a", "", "/a*b", "/**", "/é", "/a b", "/<", "/" + "a" * 4000, "#", "#a,b", "#a*", "#" + "t" * 257, "#a b", "*"],
)
def test_what_the_service_would_refuse_is_refused(account: Account, item: str) -> None:
    assert code_of(account, "/fine", item) == "InvalidArgument"


@pytest.mark.parametrize("item", ["/", "/*", "/a%20b", "/a?b=c&d", "/a?*", "/" + "a" * 3999, "#tag", "#" + "t" * 256])
def test_what_the_service_would_take_is_taken(item: str) -> None:
    check_items((item,), tags_enabled=True)


def test_a_tag_needs_a_distribution_that_reads_tags() -> None:
    with pytest.raises(ServiceProblem, match="CacheTagConfig"):
        check_items(("#a",), tags_enabled=False)


def test_an_invalidation_is_in_progress_and_then_completed(account: Account) -> None:
    made = create(account, "/a")
    seen = [made.status(account.clock.now())]
    for seconds in (9.9, 0.2):
        account.clock.advance(seconds)
        seen.append(made.status(account.clock.now()))
    assert seen == ["InProgress", "InProgress", "Completed"]


def test_the_effect_comes_before_the_report_and_once(account: Account) -> None:
    made = create(account, "/a")
    account.clock.advance(1.9)
    before = account.invalidations.take_due()
    account.clock.advance(0.2)
    assert (before, account.invalidations.take_due(), account.invalidations.take_due()) == ([], [made], [])


def test_exact_paths_and_wildcards_have_quotas_of_their_own(account: Account) -> None:
    for number in range(15):
        create(account, f"/{number}/*")
    assert code_of(account, "/more/*") == "TooManyInvalidationsInProgress"
    create(account, *(f"/{number}" for number in range(2_999)))
    create(account, "#tag")
    assert code_of(account, "/one-more") == "TooManyInvalidationsInProgress"
    account.clock.advance(10)
    create(account, "/more/*", "/one-more")


def test_quotas_are_those_of_one_distribution(account: Account) -> None:
    create(account, *(f"/{number}/*" for number in range(15)))
    create(account, "/*", distribution="EOTHER")


def test_a_batch_of_more_than_3000_is_too_large(account: Account) -> None:
    assert code_of(account, *(f"/{number}" for number in range(3_001))) == "BatchTooLarge"


def test_the_same_reference_and_paths_give_the_old_invalidation_and_are_not_billed_again(account: Account) -> None:
    first = create(account, "/a", "/b", reference="r")
    again = create(account, "/b", "/a", reference="r")
    assert (again, account.invalidations.bill().paths) == (first, 2)


def test_the_same_reference_with_other_paths_is_an_error(account: Account) -> None:
    create(account, "/a", reference="r")
    assert code_of(account, "/b", reference="r") == "InvalidationBatchAlreadyExists"


def test_the_first_thousand_paths_of_a_month_are_free(account: Account) -> None:
    create(account, *(f"/{number}" for number in range(1_200)))
    assert account.invalidations.bill() == Bill("2026-05", 1_200, 0, 1.0)
    account.clock.advance(31 * 86_400)
    assert account.invalidations.bill() == Bill("2026-06", 0, 1_000, 0.0)


def test_the_newest_is_listed_first(account: Account) -> None:
    made = [create(account, f"/{number}") for number in range(3)]
    assert account.invalidations.newest_first("ESAMPLE") == made[::-1]


def test_invalidations_outlive_a_restart(account: Account, tmp_path: Path) -> None:
    made = create(account, "/a", reference="r")
    store = Store(tmp_path / "edge.sqlite3")
    again = open_account(store, Clock(account.clock.now), access_key="k", completion_seconds=10.0)
    assert again.invalidations.get("ESAMPLE", made.identity) == made
    assert again.invalidations.create("ESAMPLE", "r", ("/a",), tags_enabled=True) == made
    assert again.distributions.get("ESAMPLE") == account.distributions.get("ESAMPLE")
    store.close()


ITEMS = st.lists(st.sampled_from(["/a", "/a*", "/a/b", "/a?x=1", "/a?*", "/*", "#t", "#T", "/%61", "/b/*"]), max_size=4)
URLS = st.sampled_from(["/a", "/ab", "/a/b", "/a?x=1", "/a?x=2", "/b/c", "/", "/%2F"])
TAGS = st.frozensets(st.sampled_from(["t", "u"]))


@given(ITEMS, URLS, TAGS)
@settings(derandomize=True, max_examples=500)
def test_a_scope_covers_what_one_of_its_items_names(items: list[str], url: str, tags: frozenset[str]) -> None:
    def names(item: str) -> bool:
        if kind_of(item) == "tag":
            return item[1:].lower() in tags
        path = canonical(item)
        return url.startswith(path[:-1]) if path.endswith("*") else url == path

    assert scope_of(tuple(items)).covers(url, tags) == any(names(item) for item in items)
