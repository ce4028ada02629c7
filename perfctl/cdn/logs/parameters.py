"""Which parameters make the query strings of requests that missed, and how many values each has."""

from __future__ import annotations

from hashlib import blake2b
from heapq import nsmallest

from perfctl.cdn.logs.arrays import Mask, np
from perfctl.cdn.logs.counting import Batch, text_of
from perfctl.cdn.logs.sketches import HeavyHitters
from perfctl.cdn.model.logs import QueryParameter

_TRACKING = frozenset(
    b"gclid gclsrc dclid gbraid wbraid fbclid msclkid yclid twclid ttclid igshid mc_cid mc_eid _ga _gl _hsenc "
    b"_hsmi mkt_tok ref referrer".split()
)
_BUSTERS = frozenset(
    b"_ cb cachebust cachebuster cache_buster nocache no_cache rand random rnd t ts time timestamp _t _ts".split()
)
_MOST = 20
_MOST_NAMES = 1_000
_MOST_IN_ONE = 50
_NAME_BYTES = 100
_EXACT = 256
_HASH_BITS = 64


class Parameters:
    """Misses by parameter; different values are counted by the 256 least hashes (Bar-Yossef et al. 2002)."""

    def __init__(self) -> None:
        self._misses = HeavyHitters(keep=_MOST_NAMES)
        self._values: dict[bytes, set[int]] = {}

    def add(self, batch: Batch, missed: Mask) -> None:
        """Count the query strings of those requests that missed."""
        codes, labels = batch.block.codes("cs-uri-query")
        found: dict[bytes, int] = {}
        for label, count in zip(labels, np.bincount(codes[missed], minlength=len(labels)).tolist(), strict=True):
            if count and label not in (b"-", b""):
                for name in self._split(label):
                    found[name] = found.get(name, 0) + count
        self._misses.add(list(found), np.array([[count] for count in found.values()], dtype=np.int64).reshape(-1, 1))

    def rows(self) -> tuple[QueryParameter, ...]:
        """The parameters of most misses."""
        return tuple(
            QueryParameter(text_of(name), kind_of(name), count, _different(self._values.get(name, set())))
            for name, (count,) in self._misses.rows(_MOST)
        )

    def _split(self, query: bytes) -> set[bytes]:
        names = set()
        for part in query.split(b"&", _MOST_IN_ONE)[:_MOST_IN_ONE]:
            name, _, value = part[: _NAME_BYTES * 10].partition(b"=")
            name = name[:_NAME_BYTES]
            names.add(name)
            if name in self._values or len(self._values) < _MOST_NAMES:
                _note(self._values.setdefault(name, set()), value)
        return names


def kind_of(name: bytes) -> str:
    """What a parameter is for, by its name.

    >>> kind_of(b"utm_source"), kind_of(b"_"), kind_of(b"page")
    ('tracking', 'cache buster', 'other')
    """
    small = name.lower()
    if small.startswith(b"utm_") or small in _TRACKING:
        return "tracking"
    return "cache buster" if small in _BUSTERS else "other"


def _note(seen: set[int], value: bytes) -> None:
    """Remember a value's hash; of many the least ones stay."""
    seen.add(int.from_bytes(blake2b(value, digest_size=_HASH_BITS // 8).digest(), "big"))
    if len(seen) >= 4 * _EXACT:
        seen.intersection_update(nsmallest(_EXACT, seen))


def _different(seen: set[int]) -> int:
    if len(seen) <= _EXACT:
        return len(seen)
    return round((_EXACT - 1) * (1 << _HASH_BITS) / nsmallest(_EXACT, seen)[-1])
