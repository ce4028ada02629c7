"""Where a value lies on the server: namespaces never mix, whatever they and the keys are called."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cache.keys import MAX_KEY_BYTES, KeyLayout, pattern_of
from perfctl.errors import UsageError
from tests.campaign import campaign

LAYOUT = KeyLayout("perfctl")
_NAMES = st.text(min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("key", "namespace", "name"),
    [
        ("user:123", None, b"perfctl:default:user:123"),
        ("user:123", "default", b"perfctl:default:user:123"),
        ("k", "eu:west", b"perfctl:eu%3Awest:k"),
        ("k", "a*b", b"perfctl:a%2Ab:k"),
        ("k", "{tag}", b"perfctl:%7Btag%7D:k"),
        ("{tag}:k", "n", b"perfctl:n:{tag}:k"),
        ("clé", "größe", b"perfctl:gr%C3%B6%C3%9Fe:cl\xc3\xa9"),
        ("\udcff", "n", b"perfctl:n:\xff"),
    ],
)
def test_a_key_lies_where_the_layout_says(key: str, namespace: str | None, name: bytes) -> None:
    assert LAYOUT.of(key, namespace) == name


def test_a_long_key_and_one_that_starts_with_a_tilde_lie_under_their_digest() -> None:
    names = {LAYOUT.of(key, "n") for key in ("x" * 513, "x" * 514, "~x", "~" + "x" * 600)}
    assert len(names) == 4
    assert all(name.startswith(b"perfctl:n:~") and len(name) < 100 for name in names)
    assert LAYOUT.of("x" * MAX_KEY_BYTES, "n") == b"perfctl:n:" + b"x" * 512


@pytest.mark.parametrize(("key", "namespace"), [("", None), ("k", ""), ("\ud800", None), ("k", "\ud800")])
def test_what_is_no_name_is_refused(key: str, namespace: str | None) -> None:
    with pytest.raises(UsageError):
        LAYOUT.of(key, namespace)


@campaign(200, 20_000)
@given(first=st.tuples(_NAMES, _NAMES), second=st.tuples(_NAMES, _NAMES))
def test_two_keys_share_a_name_only_when_they_are_the_same(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert (LAYOUT.of(*first) == LAYOUT.of(*second)) == (first == second)


@campaign(200, 20_000)
@given(key=_NAMES, namespace=_NAMES)
def test_a_name_tells_its_namespace_and_key(key: str, namespace: str) -> None:
    name = LAYOUT.of(key, namespace)
    assert name.startswith(LAYOUT.namespace(namespace))
    split = LAYOUT.split(name)
    assert split is not None
    assert split[0] == namespace
    assert key.startswith("~") or split[1] == key


@pytest.mark.parametrize("name", [b"other:n:k", b"perfctl:~counters", b"perfctl:~canary:1", b"perfctl:", b"perfctl::k"])
def test_what_is_no_value_of_ours_has_no_namespace(name: bytes) -> None:
    assert LAYOUT.split(name) is None


@campaign(100, 5_000)
@given(prefix=st.text(alphabet="ab*?[]\\^-:", min_size=1, max_size=8))
def test_a_pattern_takes_its_prefix_literally(prefix: str) -> None:
    pattern = pattern_of(prefix.encode()).decode()
    assert pattern.endswith("*")
    unescaped = pattern[:-1]
    for special in "*?[]\\^":
        unescaped = unescaped.replace("\\" + special, special) if special != "\\" else unescaped
    assert fnmatch.fnmatchcase("x", "*")
    assert unescaped.replace("\\\\", "\\") == prefix or "\\" in prefix
