"""What viewers ask of the made-up shop: when, where, which URL; the same for a seed, whatever the caches then do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.cdn.generating.site import KINDS, LOCATIONS, shared_queries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Codes = NDArray[np.int32]
    Bools = NDArray[np.bool_]

NO_QUERY = -1
FIRST_LONE = 1000
"""Queries from this number on are nobody else's; those below are the kind's shared ones."""
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
CLIENTS = 8_192
ZIPF = 1.05


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests by rising time, a column each."""

    times_ms: Numbers
    """Since the log begins."""
    url: Codes
    kind: Codes
    """Index into KINDS."""
    query: Codes
    location: Codes
    client: Codes
    method: Codes
    is_plain_http: Bools
    """Redirected to HTTPS."""
    fails: Bools
    """The origin answers 5xx, if it is asked or not."""
    kind_of_url: Codes

    def __len__(self) -> int:
        return len(self.times_ms)


def asked(lines: int, *, urls: int, hours: float, seed: int) -> Traffic:
    """So many requests for at most so many URLs: Zipf within each kind, more by day than by night."""
    import numpy as np

    random = np.random.default_rng([seed, 1])
    counts = _urls_of_kinds(urls)
    kind = _chosen(random, [kind.requests_share for kind in KINDS], lines)
    url = np.zeros(lines, np.int32)
    query = np.full(lines, NO_QUERY, np.int32)
    first, lone = 0, FIRST_LONE
    for number, count in enumerate(counts):
        of_kind = np.flatnonzero(kind == number)
        url[of_kind] = first + _zipf(random, count, len(of_kind))
        lone = _ask_queries(random, query, of_kind, number, lone)
        first += count
    posts = np.array([kind.post_share for kind in KINDS])[kind]
    return Traffic(
        times_ms=_moments(random, lines, hours),
        url=url,
        kind=kind,
        query=query,
        location=_chosen(random, [share for _, share, _ in LOCATIONS], lines),
        client=random.integers(0, CLIENTS, lines, np.int32),
        method=_methods(random, posts),
        is_plain_http=random.random(lines) < 0.012,
        fails=random.random(lines) < 0.0015,
        kind_of_url=np.repeat(np.arange(len(KINDS), dtype=np.int32), counts),
    )


def _urls_of_kinds(urls: int) -> list[int]:
    total = sum(kind.urls_share for kind in KINDS)
    return [max(1, round(urls * kind.urls_share / total)) for kind in KINDS]


def _chosen(random: np.random.Generator, shares: list[float], lines: int) -> Codes:
    import numpy as np

    edges = np.cumsum(shares) / sum(shares)
    return np.searchsorted(edges[:-1], random.random(lines), side="right").astype(np.int32)


def _zipf(random: np.random.Generator, count: int, lines: int) -> Codes:
    """Ranks from 0, the rank r asked for with weight 1/(r + 1)^1.05."""
    import numpy as np

    edges = np.cumsum(np.arange(1, count + 1) ** -ZIPF)
    return np.searchsorted(edges[:-1] / edges[-1], random.random(lines), side="right").astype(np.int32)


def _ask_queries(random: np.random.Generator, query: Codes, of_kind: Numbers, number: int, lone: int) -> int:
    """Give some requests of a kind a query string; the next number of a lone one."""
    import numpy as np

    shared = len(shared_queries(KINDS[number]))
    draws = random.random(len(of_kind))
    have = of_kind[draws < KINDS[number].query_share]
    if not shared or not len(have):
        return lone
    query[have] = np.minimum(random.geometric(2.0 / shared, len(have)) - 1, shared - 1)
    if KINDS[number].queries in ("campaigns", "pages"):
        alone = have[random.random(len(have)) < 0.22]
        query[alone] = np.arange(lone, lone + len(alone))
        lone += len(alone)
    return lone


def _moments(random: np.random.Generator, lines: int, hours: float) -> Numbers:
    """Milliseconds from the beginning, rising; at noon thrice as many as at midnight."""
    import numpy as np

    span = hours * 3_600_000
    at = np.linspace(0, span, 2_001)
    busy = 1 - 0.5 * np.cos(2 * np.pi * at / 86_400_000)
    share = np.concatenate(([0.0], np.cumsum((busy[1:] + busy[:-1]) / 2)))
    return np.sort(np.interp(random.random(lines), share / share[-1], at)).astype(np.int64)


def _methods(random: np.random.Generator, posts: NDArray[np.float64]) -> Codes:
    import numpy as np

    draws = random.random(len(posts))
    method = np.zeros(len(posts), np.int32)
    method[draws < 0.015] = METHODS.index("HEAD")
    method[(draws >= 0.015) & (draws < 0.02)] = METHODS.index("OPTIONS")
    method[draws > 1 - posts] = METHODS.index("POST")
    return method
