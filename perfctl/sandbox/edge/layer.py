"""One layer of caches - an edge location, a regional cache, the Origin Shield: holds answers, fetches each once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol

from perfctl.cdn.delivery.cache_key import CacheKey
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.cache import Cache, Entry
from perfctl.sandbox.edge.fetch import OriginError
from perfctl.sandbox.edge.invalidations import Scope
from perfctl.sandbox.edge.origin_side import OriginSide, conditions_of
from perfctl.sandbox.edge.places import Place
from perfctl.sandbox.edge.visit import Outcome, Visit

PURGES_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Purge:
    """An invalidation that took effect; fetches begun before it are not kept."""

    number: int
    distribution_id: str
    scope: Scope


class Surroundings(Protocol):
    """What a layer knows of the others."""

    def purge_due(self) -> None:
        """Let the invalidations that are due take effect in every layer."""
        ...

    def above(self, layer: Layer, visit: Visit) -> Layer | None:
        """The layer that is asked on a miss; None: the origin."""
        ...

    def between_seconds(self, layer: Layer, other: Layer) -> float: ...

    def to_origin_seconds(self, layer: Layer) -> float: ...


class Layer:
    """`hit_detail` is the log's word for an answer that a layer below got from this one's cache."""

    def __init__(self, account: Account, place: Place, around: Surroundings, *, hit_detail: str = "Hit") -> None:
        self.place = place
        self.hit_detail = hit_detail
        self._account = account
        self._around = around
        self._cache = Cache()
        self._origin_side = OriginSide(account, lambda: around.to_origin_seconds(self))
        self._flights: dict[CacheKey, asyncio.Task[Outcome]] = {}
        self._purges: deque[Purge] = deque(maxlen=PURGES_REMEMBERED)
        self._purge_number = 0
        self._background: set[asyncio.Task[Outcome]] = set()

    async def outcome(self, visit: Visit) -> Outcome:
        """The answer to a request: held, or fetched and held if it may be."""
        self._around.purge_due()
        request, key = visit.request, visit.key
        if request.method not in ("GET", "HEAD") or not visit.behaviour.cache_policy.caches:
            return await self._origin_side.passed_through(visit, key)
        entry = self._cache.get(key)
        if entry is not None and (overdue := entry.overdue_seconds(self._account.clock.now())) < 0:
            return Outcome(entry, "Hit", "Hit", is_stored=True)
        if entry is not None and self._account.clock.now() < entry.rests_until and self._may_serve_stale(entry):
            return Outcome(entry, "Hit", "Hit", is_stored=True)
        if entry is not None and overdue < entry.freshness.while_revalidating:
            self._background.add(task := self._flight(visit, key, entry))
            task.add_done_callback(self._background.discard)
            return Outcome(entry, "Hit", "Hit", is_stored=True)
        if entry is None and (request.method == "HEAD" or "range" in request.headers):
            return await self._origin_side.passed_through(visit, key)
        return await self._collapsed(visit, key, entry)

    def purge(self, distribution_id: str, scope: Scope) -> None:
        """Drop what an invalidation covers, and what is on its way."""
        self._purge_number += 1
        self._purges.append(Purge(self._purge_number, distribution_id, scope))
        self._cache.purge(distribution_id, scope)
        for key in [key for key in self._flights if key.distribution_id == distribution_id]:
            del self._flights[key]  # whoever comes now asks anew

    def figures(self) -> dict[str, int]:
        return {"entries": len(self._cache), "size_bytes": self._cache.size_bytes, "fetching": len(self._flights)}

    async def close(self) -> None:
        """End what still runs for nobody."""
        running = [*self._background, *self._flights.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # -- one fetch for many -------------------------------------------------------------------------------------

    async def _collapsed(self, visit: Visit, key: CacheKey, stale: Entry | None) -> Outcome:
        """Viewers of one key share one fetch; when its answer is not for sharing, each then asks for itself."""
        leads = key not in self._flights
        outcome = await asyncio.shield(self._flight(visit, key, stale))
        if leads:
            return outcome
        if outcome.is_stored:
            return replace(outcome, result="Hit", detail="Hit", origin_seconds=None)
        return await self._fetched(visit, key, stale)

    def _flight(self, visit: Visit, key: CacheKey, stale: Entry | None) -> asyncio.Task[Outcome]:
        task = self._flights.get(key)
        if task is None:
            task = asyncio.create_task(self._fetched(visit, key, stale))
            self._flights[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return task

    def _landed(self, key: CacheKey, done: asyncio.Task[Outcome]) -> None:
        if self._flights.get(key) is done:
            del self._flights[key]

    # -- from above, or from the origin ---------------------------------------------------------------------------

    async def _fetched(self, visit: Visit, key: CacheKey, stale: Entry | None) -> Outcome:
        above = self._around.above(self, visit)
        if above is not None:
            return await self._fetched_from(above, visit, key)
        seen, began = self._purge_number, time.perf_counter()
        outcome = await self._asked(visit, key, stale, seen)
        return replace(outcome, origin_seconds=time.perf_counter() - began)

    async def _fetched_from(self, above: Layer, visit: Visit, key: CacheKey) -> Outcome:
        seen = self._purge_number
        await asyncio.sleep(self._around.between_seconds(self, above))
        outcome = await above.outcome(_whole(visit))
        detail = above.hit_detail if outcome.result == "Hit" else outcome.detail
        return self._kept(replace(outcome, entry=replace(outcome.entry, key=key), detail=detail), seen)

    async def _asked(self, visit: Visit, key: CacheKey, stale: Entry | None, seen: int) -> Outcome:
        try:
            answer = await self._origin_side.asked(visit, conditions_of(stale), caches=True)
        except OriginError as error:
            if not error.is_kept:
                return self._origin_side.failed(visit, key, error)
            if stale is not None and self._may_serve_stale(stale):
                return Outcome(self._resting(visit, stale, error.status), "Hit", error.detail, is_stored=True)
            return self._kept(self._origin_side.failed(visit, key, error), seen)
        if answer.status >= 500 and stale is not None and self._may_serve_stale(stale):
            return Outcome(self._resting(visit, stale, answer.status), "Hit", "Error", is_stored=True)
        if answer.status == 304 and stale is not None:
            refreshed = self._origin_side.refreshed(visit, stale, answer)
            return self._kept(Outcome(refreshed, "RefreshHit", "RefreshHit"), seen)
        entry = await self._origin_side.entry(visit, key, answer)
        return self._kept(Outcome(entry, "Miss", answer.made_by or "Miss"), seen)

    def _resting(self, visit: Visit, stale: Entry, status: int) -> Entry:
        """The stale answer, which stands in for the error as long as that would be kept; one that was purged goes."""
        until = self._account.clock.now() + visit.delivery.error_ttl(status)
        resting = replace(stale, rests_until=until)
        if self._cache.get(stale.key) is stale:
            self._cache.put(resting)
        return resting

    def _may_serve_stale(self, stale: Entry) -> bool:
        return stale.status < 400 and stale.overdue_seconds(self._account.clock.now()) < stale.freshness.if_error

    def _kept(self, outcome: Outcome, seen: int) -> Outcome:
        """Store the answer, unless an invalidation of it took effect after its fetch began."""
        self._around.purge_due()
        entry = outcome.entry
        if entry.freshness.ttl is None or self._was_purged_since(seen, entry):
            self._cache.drop(entry.key)
            return replace(outcome, is_stored=False)
        self._cache.put(entry)
        return replace(outcome, is_stored=True)

    def _was_purged_since(self, seen: int, entry: Entry) -> bool:
        if self._purge_number - seen > PURGES_REMEMBERED:
            return True
        return any(
            purge.number > seen and entry.is_covered(purge.distribution_id, purge.scope) for purge in self._purges
        )


def _whole(visit: Visit) -> Visit:
    """The request for a layer above: a GET of all of it, whatever part or method the viewer asked for."""
    headers = visit.request.headers.without("range", "if-range", "if-none-match", "if-modified-since")
    return replace(visit, request=replace(visit.request, method="GET", headers=headers))
