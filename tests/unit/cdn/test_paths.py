"""Which items are sent: encoded as CloudFront asks, and together never less than what was asked for."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfctl.cdn.paths import (
    LONGEST_PATH,
    MOST_EXACT,
    MOST_WILDCARDS,
    Asked,
    Items,
    batches,
    covers,
    encode_path,
    encode_tag,
    is_wildcard,
    parse_lines,
    plan,
)
from perfctl.errors import UsageError

CAMPAIGN = settings(
    max_examples=5000 if os.environ.get("PERFCTL_SOAK") else 150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
SENDABLE = re.compile(r"/[!-~]*")

text = st.text(st.characters(exclude_categories=()), max_size=30)
hostile = st.one_of(
    text,
    st.sampled_from(
        ["..", "//", "/../", "%2e%2e", "%", "%zz", "~", "\x00", "\n", "é", "日本", "\udcff", "?a=b", "#x", "*"]
    ),
)
paths = st.lists(hostile, max_size=6).map(lambda parts: "/" + "".join(parts))
short = st.text("ab/", max_size=4).map(lambda body: "/" + body)
tree = st.lists(st.one_of(short, short.map(lambda path: path + "*")), max_size=40)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/", "/"),
        ("/*", "/*"),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/100%", "/100%25"),
        ("/%zz", "/%25zz"),
        ("/~user/[1].html", "/%7Euser/%5B1%5D.html"),
        ("/日本", "/%E6%97%A5%E6%9C%AC"),
        ("/a'b(c)!@$&,;=:+-_.", "/a'b(c)!@$&,;=:+-_."),
        ("/x?lang=en&a=b*", "/x?lang=en&a=b*"),
        ("/a#b", "/a%23b"),
        ("//a/../b", "//a/../b"),
        ("/\udcff", "/%FF"),
        ("/a\nb\x7f", "/a%0Ab%7F"),
    ],
)
def test_a_path_is_encoded_where_cloudfront_asks_and_nowhere_else(asked: str, sent: str) -> None:
    assert encode_path(asked) == sent
    assert encode_path(sent) == sent


@pytest.mark.parametrize(
    "asked", ["", "a", "img/*", "/a*b", "/**", "*", "https://e.com/a", "#tag", "/" + "a" * 4000, "/\ud800"]
)
def test_a_path_that_cloudfront_would_refuse_is_refused_before_anything_is_sent(asked: str) -> None:
    with pytest.raises(UsageError):
        encode_path(asked)


def test_a_path_of_exactly_the_longest_length_is_sent() -> None:
    assert len(encode_path("/" + "a" * (LONGEST_PATH - 1))) == LONGEST_PATH


def test_all_faults_are_named_at_once_with_file_and_line() -> None:
    asked = parse_lines(["\ufeff/ok\r\n", "# a comment\n", "\n", "img\n", "/a*b"], source="paths.txt")
    with pytest.raises(UsageError) as caught:
        plan(asked)
    assert caught.value.message == (
        "paths.txt:4: 'img': does not start with / (write '/img'); "
        "paths.txt:5: '/a*b': * stands only at the end ('/a*' covers it, and more)"
    )


def test_only_the_first_faults_of_many_are_spelt_out() -> None:
    with pytest.raises(UsageError, match="and 95 more"):
        plan([f"x{number}" for number in range(100)])


def test_a_url_is_answered_with_the_path_to_write() -> None:
    with pytest.raises(UsageError) as caught:
        encode_path("https://www.example.com/a?b=c#d")
    assert caught.value.hint == "write '/a?b=c'"


def test_what_lies_under_a_wildcard_or_is_asked_twice_is_left_out() -> None:
    items = plan(["/a", "/a", "/img/*", "/img/x", "/img/y/*", "/img", "/b*", "/b"])
    assert items == Items(exact=("/a", "/img"), wildcards=("/img/*", "/b*"), dropped=4)


def test_a_wildcard_over_everything_leaves_one_item() -> None:
    assert plan(["/a", "/*", "/b/*"]).all == ("/*",)


def test_tags_know_no_case_and_are_sent_with_their_sign() -> None:
    assert plan([], ["Product-7", "#product-7", "x"]) == Items(tags=("#product-7", "#x"), dropped=1)


@pytest.mark.parametrize("tag", ["", "#", "a b", "a,b", "a*", "é", "x" * 257, "a\n"])
def test_a_tag_that_cloudfront_would_refuse_is_refused(tag: str) -> None:
    with pytest.raises(UsageError):
        encode_tag(tag)


def test_each_item_costs_half_a_cent_beyond_the_free_ones() -> None:
    assert plan(["/a", "/b*"], ["t"]).cost_usd == 0.015


def test_batches_stay_within_the_services_limits() -> None:
    items = plan([f"/{number}" for number in range(7001)] + [f"/w{number}/*" for number in range(16)])
    rounds = list(batches(items))
    assert [len(batch) for batch in rounds] == [3000, 3000, 1017]
    assert [sum(map(is_wildcard, batch)) for batch in rounds] == [15, 1, 0]
    assert items.rounds == 3


@CAMPAIGN
@given(st.lists(paths, max_size=8))
def test_hostile_paths_are_sent_whole_or_refused(asked: list[str]) -> None:
    for path in asked:
        try:
            items = plan([path])
        except UsageError:
            continue
        (item,) = items.all
        assert SENDABLE.fullmatch(item)
        assert len(item) <= LONGEST_PATH
        assert "*" not in item[:-1]
        assert encode_path(item) == item


@CAMPAIGN
@given(tree)
def test_what_is_sent_covers_what_was_asked_and_nothing_is_sent_in_vain(asked: list[str]) -> None:
    items = plan(asked)
    for path in asked:
        assert covers(items, path)
    for item in items.all:
        others = [other for other in items.wildcards if other != item]
        assert not any(item.startswith(other[:-1]) for other in others)
    assert set(items.all) <= set(asked)
    assert items.dropped == len(asked) - len(items.all)


@CAMPAIGN
@given(st.integers(0, 9000), st.integers(0, 60))
def test_batches_hold_every_item_once(exact: int, wildcards: int) -> None:
    items = Items(tuple(f"/{number}" for number in range(exact)), tuple(f"/{number}/*" for number in range(wildcards)))
    sent = [item for batch in batches(items) for item in batch]
    assert sorted(sent) == sorted(items.all)
    for batch in batches(items):
        assert len(batch) <= MOST_EXACT
        assert sum(map(is_wildcard, batch)) <= MOST_WILDCARDS


def test_lines_keep_their_place() -> None:
    assert parse_lines(["/a", "", "/b c "], source="f") == [Asked("/a", "f:1"), Asked("/b c", "f:3")]
