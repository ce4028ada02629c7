"""What the edge holds is bounded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.cdn.delivery.cache_key import CacheKey
from perfctl.cdn.delivery.headers import NO_HEADERS
from perfctl.cdn.delivery.ttl import Freshness
from perfctl.sandbox.edge.cache import ENTRY_OVERHEAD_BYTES, Cache, Entry
from perfctl.sandbox.edge.invalidations import scope_of


def entry(path: str, size: int = 0, distribution: str = "E1") -> Entry:
    key = CacheKey(distribution, path)
    return Entry(key, 200, NO_HEADERS, bytes(size), Freshness(60), 0.0, urls=(path,))


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(limit_bytes=2 * ENTRY_OVERHEAD_BYTES)
    for path in ("/a", "/b"):
        cache.put(entry(path))
    cache.get(CacheKey("E1", "/a"))
    cache.put(entry("/c"))
    assert [cache.get(CacheKey("E1", path)) is not None for path in ("/a", "/b", "/c")] == [True, False, True]


def test_what_is_larger_than_all_is_not_kept() -> None:
    cache = Cache(limit_bytes=5_000)
    cache.put(entry("/a"))
    cache.put(entry("/b", 5_000))
    assert (len(cache), cache.size_bytes) == (1, ENTRY_OVERHEAD_BYTES)


def test_a_purge_stays_within_its_distribution() -> None:
    cache = Cache()
    for distribution in ("E1", "E2"):
        cache.put(entry("/a", distribution=distribution))
    assert (cache.purge("E1", scope_of(("/*",))), len(cache)) == (1, 1)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3_000)), max_size=60))
@settings(derandomize=True, max_examples=200)
def test_the_size_is_always_that_of_what_is_held_and_within_the_limit(puts: list[tuple[str, int]]) -> None:
    cache = Cache(limit_bytes=8_000)
    for path, size in puts:
        cache.put(entry(path, size))
        held = [found for name in "abcdef" if (found := cache.get(CacheKey("E1", name)))]
        assert cache.size_bytes == sum(found.size_bytes for found in held) <= 8_000
