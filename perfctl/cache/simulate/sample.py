"""A sample of a trace's keys, with all their requests: over it a small cache hits about as a large one does over all.

Spatially hashed sampling: Waldspurger, Park, Garthwaite, Ahmad: Efficient MRC construction with SHARDS (FAST 2015);
for policies other than LRU: Waldspurger, Saemundsson, Ahmad, Park: Cache modeling and optimization using miniature
simulations (ATC 2017). A key is in the sample when its hash says so, and caches are as much smaller as the sample.
The estimate is corrected as in SHARDS-adj: requests that the sample has too few or too many are those of the hottest
keys, hence hits.
"""

from __future__ import annotations

_MASK = 0xFFFFFFFF


def threshold_of(ratio: float) -> int:
    """The hashes below it are `ratio` of all 32-bit ones."""
    return max(1, round(ratio * (_MASK + 1)))


def mixed(number: int) -> int:
    """A hash of 32 bits of a number of 32 bits, one to one: the finalizer of MurmurHash3 (Appleby 2011)."""
    number ^= number >> 16
    number = number * 0x85EBCA6B & _MASK
    number ^= number >> 13
    number = number * 0xC2B2AE35 & _MASK
    return number ^ number >> 16


def scaled(capacity: int, ratio: float) -> int:
    """The size of the small cache that stands for one of `capacity`."""
    return capacity if ratio == 1 else max(1, round(capacity * ratio))


def estimated_hits(hits: int, *, sampled: int, requests: int, ratio: float) -> int:
    """How many of all requests hit, when `hits` of the `sampled` ones did."""
    if ratio == 1:
        return hits
    expected = requests * ratio
    share = (hits + expected - sampled) / expected
    return round(min(max(share, 0.0), 1.0) * requests)
