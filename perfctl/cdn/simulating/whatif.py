"""A configuration that might be, and what the caches would have answered under it."""

from __future__ import annotations

from dataclasses import dataclass

from perfctl.cdn.logs.arrays import Floats, Ints, Mask, np
from perfctl.cdn.simulating.fitting import Baseline, ages_of
from perfctl.cdn.simulating.layouts import Columns, Key, Layout, Places, Sorted, arranged, keys_of, numbered, sort
from perfctl.cdn.simulating.own_ttls import own_ttls
from perfctl.cdn.simulating.queries import ANYTHING, QueryRule
from perfctl.cdn.simulating.replaying import NEVER, fetches, firsts_of
from perfctl.cdn.simulating.requests import HIT, MISS, REFRESH

_PRIOR = 2.0
"""A group's share of refreshed objects counts as much as so many fetches of a path."""
_PRIVATE_TRIES = 3
"""A path that missed so often while fresh, and never hit, is taken for one that is not cached."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is other than it was; nothing: as it is."""

    ttl_ms: int | None = None
    """For all that is cached."""
    rules_ms: tuple[int, ...] = ()
    """For the paths of the user's patterns, in their order; they win over `ttl_ms`, and count for private content."""
    min_ttl_ms: int = 0
    max_ttl_ms: int = NEVER
    query: QueryRule = ANYTHING
    ignores_cookies: bool = False
    shield: str | None = None
    """The region of Origin Shield."""

    def key(self, now: Key) -> Key:
        """What is in the cache's key then."""
        if self.query.drops_all:
            return "path"
        if self.query and now in ("query", "cookie"):
            return "reduced"
        return "query" if self.ignores_cookies and now == "cookie" else now


@dataclass(slots=True)
class Tally:
    """What the caches answered; sums that add up over portions."""

    hits: int = 0
    refresh_hits: float = 0.0
    """Expected: of what is fetched again, as large a share is unchanged as in the log."""
    misses: float = 0.0
    origin_bytes: float = 0.0
    shield_hits: int = 0
    """Fetched by an edge location and found at the Shield."""
    shield_requests: int = 0
    """That reach the Shield from regions other than its own: these are what it charges for."""
    agreeing: int = 0
    """Requests whose answer is the one in the log."""
    group_hits: np.ndarray | float = 0.0
    """Hits and refreshed hits of each group."""

    def __iadd__(self, other: Tally) -> Tally:
        for name in Tally.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


class Portion:
    """The events of some paths, made ready to be replayed under any change."""

    def __init__(self, events: np.ndarray, baseline: Baseline, places: Places) -> None:
        self._baseline = baseline
        self._places = places
        self._private, everything, self._lost, self._early, self._ttl_now, self._share = _judged(
            events, baseline, places
        )
        self._events = Columns(everything)
        self._sorted: dict[Key, Sorted] = {}

    def replay(self, change: Change) -> Tally:
        """What the caches would have answered under a change."""
        kept = self._kept(change.key(self._baseline.layout.key))
        if change.shield is not None:
            return self._behind_shield(kept, change)
        private, lost, ttl_ms = self._fates(kept, change)
        anew = lost | private
        if change == Change():
            lost = lost | self._early[kept.order]
        fetched = fetches(kept.times_ms, kept.first, ttl_ms, idle_ms=self._baseline.idle_ms, lost=lost)
        return self._tally(kept, fetched, fetched, anew)

    def _fates(self, kept: Sorted, change: Change) -> tuple[Mask, Mask, Ints]:
        """Of the sorted events: which are never cached, which were lost from the cache before, and each one's TTL."""
        is_ruled = (kept.rule > 0) if change.rules_ms else np.zeros(len(kept.rule), bool)
        private = self._private[kept.order] & ~is_ruled
        lost = self._lost[kept.order] & ~is_ruled
        return private, lost, np.where(private, 0, self._ttl(kept, change))

    def _kept(self, key: Key) -> Sorted:
        if key not in self._sorted:
            self._sorted[key] = sort(self._events, Layout(self._baseline.layout.place, key), self._places)
        return self._sorted[key]

    def _ttl(self, kept: Sorted, change: Change) -> Ints:
        """Each event's TTL. What is never cached stays so, but under a pattern that names it."""
        now = self._ttl_now[kept.order]
        chosen = now if change.ttl_ms is None else np.where(now > 0, change.ttl_ms, 0)
        ttl = np.where(now > 0, np.clip(chosen, change.min_ttl_ms, change.max_ttl_ms), 0)
        if not change.rules_ms:
            return ttl
        return np.where(kept.rule > 0, np.array((0, *change.rules_ms), np.int64)[kept.rule], ttl)

    def _behind_shield(self, kept: Sorted, change: Change) -> Tally:
        """With Origin Shield: an object ages from its fetch by the Shield on, wherever it then lies (by its Age).

        So the origin is asked as by one cache for all places, and each place asks once for each of its objects.
        """
        keys = keys_of(self._events, change.key(self._baseline.layout.key))
        everywhere = arranged(self._events, numbered(keys))
        order, idle_ms = everywhere.order, self._baseline.idle_ms
        private, lost, ttl_ms = self._fates(everywhere, change)
        fetched = fetches(everywhere.times_ms, everywhere.first, ttl_ms, idle_ms=idle_ms)
        forgotten = np.empty(len(order), bool)
        forgotten[kept.order] = kept.gaps_ms >= idle_ms
        place = self._places.of(self._events, self._baseline.layout.place)[order]
        asks = _first_of_each(np.cumsum(fetched, dtype=np.int64), place) | forgotten[order] | lost | fetched
        tally = self._tally(everywhere, fetched, asks, private)
        region = self._places.of(self._events, "region")[order]
        own = self._places.names.index(change.shield) if change.shield in self._places.names else -1
        tally.shield_requests = int((asks & everywhere.is_real & (region != own)).sum())
        tally.shield_hits = int((asks & ~fetched & everywhere.is_real).sum())
        return tally

    def _tally(self, kept: Sorted, fetched: Mask, asks: Mask, anew: Mask) -> Tally:
        """`asks`: the edge location did not have it; `fetched`: the origin was asked; `anew`: surely in full."""
        real = kept.is_real
        is_known = fetched & ~kept.first & (kept.gaps_ms < self._baseline.idle_ms) & ~anew
        refreshed = np.where(is_known, self._share[kept.order], 0.0)
        full: Floats = (fetched - refreshed)[real]
        return Tally(
            hits=int((~fetched & real).sum()),
            refresh_hits=float(refreshed[real].sum()),
            misses=float(full.sum()),
            origin_bytes=float(full @ kept.size_bytes[real]),
            agreeing=int((((kept.result == HIT) != asks) & real).sum()),
            group_hits=np.bincount(kept.group[real], 1 - full, minlength=len(self._baseline.ttl_ms)),
        )


def _first_of_each(generation: Ints, place: Ints) -> Mask:
    """The first event of each generation at each place; generations rise."""
    pairs = generation * (int(place.max(initial=0)) + 1) + place
    order = np.argsort(pairs, kind="stable")
    found = np.zeros(len(pairs), bool)
    found[order[firsts_of(pairs[order])]] = True
    return found


def _refresh_shares(events: np.ndarray, kept: Sorted, known: Mask, baseline: Baseline) -> Floats:
    """How often what is fetched again is unchanged: by its path, and by its group where the path tells little."""
    path = numbered(events["path"])
    told, result = path[kept.order][known], kept.result[known]
    paths = int(path.max(initial=-1)) + 1
    refreshed = np.bincount(told, weights=result == REFRESH, minlength=paths)
    missed = np.bincount(told, weights=result == MISS, minlength=paths)
    shares: Floats = (refreshed[path] + _PRIOR * baseline.refresh_share[events["group"]]) / (
        (refreshed + missed)[path] + _PRIOR
    )
    return shares


def _judged(
    events: np.ndarray, baseline: Baseline, places: Places
) -> tuple[Mask, np.ndarray, Mask, Mask, Ints, Floats]:
    """What the log says of each event against the baseline, in the events' order, warm objects added:

    whether its path is never cached, the events, whether the object was lost before (a Miss while it was fresh), and
    whether it was refreshed before its time; and each event's TTL and share of
    refreshed objects.
    """
    kept = sort(Columns(events), baseline.layout, places)
    ages_ms = ages_of(kept)
    ttl_ms = _ttls(events, kept, ages_ms, baseline)
    fresh = (ages_ms >= 0) & (ages_ms < ttl_ms) & (kept.gaps_ms < baseline.idle_ms)
    warm = _warm(events, kept, ttl_ms, baseline.idle_ms)
    lost = np.zeros(len(events) + len(warm), bool)
    early = np.zeros(len(lost), bool)
    lost[kept.order] = fresh & (kept.result == MISS)
    early[kept.order] = fresh & (kept.result == REFRESH)
    never = np.zeros(len(lost), bool)
    never[: len(events)] = _is_private(events, lost[: len(events)])
    lost &= ~never
    now = np.empty(len(lost), np.int64)
    now[kept.order], now[len(events) :] = ttl_ms, ttl_ms[kept.first & (kept.result == HIT)]
    known = (ages_ms >= 0) & (kept.gaps_ms < baseline.idle_ms)
    share = _refresh_shares(events, kept, known, baseline)
    share = np.append(share, np.zeros(len(warm)))
    return never, np.concatenate((events, warm)), lost, early, now, share


def _ttls(events: np.ndarray, kept: Sorted, ages_ms: Ints, baseline: Baseline) -> Ints:
    """The TTL of each sorted event: its path's own where that is another than its group's."""
    of_group: Ints = baseline.ttl_ms[kept.group]
    known = (ages_ms >= 0) & (kept.gaps_ms < baseline.idle_ms)
    path = numbered(events["path"])[kept.order]
    own = own_ttls(path[known], ages_ms[known], kept.result[known], of_group[known])
    own = np.append(own, np.full(int(path.max(initial=-1)) + 1 - len(own), -1))
    return np.where(own[path] >= 0, own[path], of_group)


def _is_private(events: np.ndarray, lost: Mask) -> Mask:
    """Events of paths that never hit, though they were asked for while they would have been fresh."""
    paths = numbered(events["path"])
    tries = np.bincount(paths, weights=lost)
    hits = np.bincount(paths, weights=events["result"] != MISS)
    is_private: Mask = ((tries >= _PRIVATE_TRIES) & (hits == 0))[paths]
    return is_private


def _warm(events: np.ndarray, kept: Sorted, ttl_ms: Ints, idle_ms: int) -> np.ndarray:
    """A fetch before the log began, for each object whose first request in it was a hit: half a TTL before."""
    first = np.flatnonzero(kept.first & (kept.result == HIT))
    warm: np.ndarray = events[kept.order[first]]
    before = np.minimum(ttl_ms[first] // 2, min(idle_ms - 1, int(np.ptp(kept.times_ms)) if len(kept.times_ms) else 0))
    warm["second"] = np.maximum(warm["second"].astype(np.int64) - np.maximum(before // 1000, 0), 0)
    warm["result"], warm["is_real"] = MISS, False
    return warm


def alone(change: Change) -> list[Change]:
    """Each part of a change by itself, where it has several."""
    parts = [
        Change(ttl_ms=change.ttl_ms),
        Change(rules_ms=change.rules_ms),
        Change(min_ttl_ms=change.min_ttl_ms, max_ttl_ms=change.max_ttl_ms),
        Change(query=change.query),
        Change(ignores_cookies=change.ignores_cookies),
        Change(shield=change.shield),
    ]
    told = [part for part in parts if part != Change()]
    return told if len(told) > 1 else []
