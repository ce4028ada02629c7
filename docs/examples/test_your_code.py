"""Testing code that caches: without the cache, or with a clock that the test moves."""

from perfctl import AdvancedCache, CacheConfig, ManualClock

clock = ManualClock()
cache = AdvancedCache(CacheConfig(ttl_jitter=0), clock=clock)
calls: list[str] = []


@cache.cache_decorator(ttl=60)
def price(symbol: str) -> int:
    """Counts its calls."""
    calls.append(symbol)
    return len(calls)


def test_without_the_cache_every_call_reaches_the_function() -> None:
    with cache.disabled():
        assert price("AAPL") < price("AAPL")


def test_a_value_lives_for_its_ttl() -> None:
    first = price("MSFT")
    clock.advance(59)
    assert price("MSFT") == first
    clock.advance(2)
    assert price("MSFT") > first
