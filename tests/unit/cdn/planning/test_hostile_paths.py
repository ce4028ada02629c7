"""Hostile paths: what is sent, by either strategy, purges all that was asked for by CloudFront's own rules, or the path
is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.delivery.cache_key import canonical
from perfctl.cdn.invalidating.choosing import Choosing, choose
from perfctl.cdn.paths import LONGEST_PATH, MOST_EXACT, MOST_WILDCARDS, batches, encode_path, is_wildcard
from perfctl.cdn.planning import Inventory, Prices
from perfctl.errors import UsageError
from perfctl.sandbox.edge.invalidations import check_items, scope_of
from tests.campaign import campaign

PIECES = (
    *(
        "..",
        ".",
        "//",
        "/../",
        "%2e%2e",
        "%2F",
        "%",
        "%zz",
        "%4",
        "%41",
        "%c3%a9",
        "%C3%A9",
        "%C3",
        "~",
        "%7E",
        "*",
        "?",
    ),
    *(
        "?a=b",
        "&x",
        "#",
        "\x00",
        "\n",
        "\r",
        "\t",
        " ",
        "\x7f",
        "é",
        "日本",
        "\U0001f600",
        "\udcff",
        "\ud800",
        "\\",
        "|",
    ),
    *("a", "b", "index.html", "a" * 1400, '"', "<", "{", "^", "`", "'"),
)
paths = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=5).map("".join)
hostile = st.one_of(paths.map(lambda path: f"/{path}"), paths)


def _refused(path: str) -> bool:
    try:
        encode_path(path)
    except UsageError:
        return True
    return False


@campaign(150, 10_000)
@given(
    st.lists(hostile, max_size=6),
    st.lists(hostile.filter(lambda path: path.startswith("/")), max_size=6),
    st.booleans(),
)
def test_what_is_sent_purges_what_was_asked_or_the_path_is_refused(
    asked: list[str], known: list[str], is_cheapest: bool
) -> None:
    sendable = [path for path in asked if not _refused(path)]
    inventory = Inventory.of([(path, 1) for path in [*known, *sendable] if not _has_no_bytes(path)])
    how = Choosing("cheapest" if is_cheapest else "exact", inventory, Prices(1, 0.3), max_wildcards=2)
    if len(sendable) < len(asked):
        with pytest.raises(UsageError) as caught:
            choose(asked, [], how)
        assert caught.value.exit_code == 2
    items = choose(sendable, [], how).items
    if not sendable:
        assert items.all == ()
        return
    check_items(items.all, tags_enabled=True)
    scope = scope_of(items.all)
    for path in sendable:
        body = path[:-1] if path.endswith("*") else path
        assert scope.covers(canonical(encode_path(body)))
        if path.endswith("*"):
            assert scope.covers(canonical(encode_path(body) + "/x"))
    if not is_cheapest:
        assert set(items.all) <= {encode_path(path) for path in sendable}


def _has_no_bytes(path: str) -> bool:
    return any("\ud800" <= letter < "\udc80" or "\udcff" < letter <= "\udfff" for letter in path)


@campaign(5, 60)
@given(st.integers(2990, 7000), st.integers(0, 40), st.integers(0, 2**32))
def test_thousands_of_items_go_out_in_batches_that_the_service_takes(exact: int, wildcards: int, seed: int) -> None:
    asked = [f"/{seed}/{number}" for number in range(exact)] + [f"/w/{number}/*" for number in range(wildcards)]
    items = choose(asked, [], Choosing()).items
    assert sorted(item for batch in batches(items) for item in batch) == sorted(asked)
    for batch in batches(items):
        check_items(batch, tags_enabled=False)
        assert sum(map(is_wildcard, batch)) <= MOST_WILDCARDS
        assert len(batch) <= MOST_EXACT


def test_a_path_of_the_longest_length_goes_by_either_strategy() -> None:
    path = "/" + "a" * (LONGEST_PATH - 1)
    for strategy in ("exact", "cheapest"):
        how = Choosing(strategy, Inventory.of([(path, 1), ("/b", 1)]))
        check_items(choose([path], [], how).items.all, tags_enabled=False)
