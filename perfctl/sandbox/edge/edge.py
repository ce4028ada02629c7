"""The data plane: answers a viewer from what it holds, or asks the origin and keeps the answer as the policy says."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, replace

from perfctl.cdn.delivery.behaviours import Delivery
from perfctl.cdn.delivery.cache_key import CacheKey, canonical, key_of
from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.access_log import AccessLog, Record
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.cache import Cache, Entry
from perfctl.sandbox.edge.clock import http_date
from perfctl.sandbox.edge.fetch import OriginError
from perfctl.sandbox.edge.forward import forwards_cookies
from perfctl.sandbox.edge.http import Request, Response, response_head
from perfctl.sandbox.edge.identity import request_id as new_request_id
from perfctl.sandbox.edge.invalidations import Scope, scope_of
from perfctl.sandbox.edge.origin_side import OriginSide, conditions_of
from perfctl.sandbox.edge.viewer import tailored
from perfctl.sandbox.edge.visit import Outcome, Visit, error_page

MAX_URL_BYTES = 8_192
PURGES_REMEMBERED = 256
LOCAL_HOSTS = ("127.0.0.1", "localhost", "")

_X_CACHE = {
    "Hit": "Hit from cloudfront",
    "RefreshHit": "RefreshHit from cloudfront",
    "Miss": "Miss from cloudfront",
}


@dataclass(frozen=True, slots=True)
class Purge:
    """An invalidation that took effect; fetches begun before it are not kept."""

    number: int
    distribution_id: str
    scope: Scope


class Edge:
    """One edge location. `default_id` is the distribution for requests to a local address."""

    def __init__(self, account: Account, cache: Cache, log: AccessLog, *, default_id: str, pop: str) -> None:
        self._account = account
        self._cache = cache
        self._log = log
        self._default_id = default_id
        self._pop = pop
        self._origin_side = OriginSide(account)
        self._flights: dict[CacheKey, asyncio.Task[Outcome]] = {}
        self._purges: deque[Purge] = deque(maxlen=PURGES_REMEMBERED)
        self._purge_number = 0
        self._results: Counter[str] = Counter()
        self._background: set[asyncio.Task[Outcome]] = set()

    async def handle(self, request: Request) -> Response:
        """Answer one viewer and write the access log's line."""
        began = time.perf_counter()
        request_id = new_request_id()
        delivery = self._delivery(request)
        if delivery is None:
            return self._page(403, "The host name is not that of a distribution.", request_id)
        response, result, detail = await self._answer(request, delivery, request_id)
        if response.status >= 400:
            result = "Error"
        self._results[result] += 1
        self._record(request, delivery, response, (result, detail, request_id), time.perf_counter() - began)
        return response

    def figures(self) -> dict[str, object]:
        """What is held, how many fetches for it are under way, and how requests were answered."""
        self._purge_due()
        return {
            "entries": len(self._cache),
            "size_bytes": self._cache.size_bytes,
            "fetching": len(self._flights),
            "results": dict(self._results),
        }

    def empty(self) -> None:
        """Hold nothing, as after a start."""
        for distribution in self._account.distributions.all():
            self._purge(distribution.identity, scope_of(("/*",)))

    async def close(self) -> None:
        """End what still runs for nobody."""
        running = [*self._background, *self._flights.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # -- from request to answer ---------------------------------------------------------------------------------

    def _delivery(self, request: Request) -> Delivery | None:
        distributions = self._account.distributions
        delivery = distributions.delivery_for(request.host)
        if delivery is None and request.host in LOCAL_HOSTS:
            known = (distribution.identity for distribution in distributions.all())
            delivery = distributions.delivery(self._default_id) if self._default_id in known else None
        return delivery if delivery is not None and delivery.enabled else None

    async def _answer(self, request: Request, delivery: Delivery, request_id: str) -> tuple[Response, str, str]:
        if len(request.path) + len(request.query) > MAX_URL_BYTES:
            return self._page(414, "The URL is longer than 8,192 bytes.", request_id), "Error", "Error"
        behaviour = delivery.behaviour_of(canonical(request.path))
        if request.method not in behaviour.allowed_methods:
            text = "This distribution is not configured to allow the HTTP request method."
            return self._page(403, text, request_id), "Error", "Error"
        path = f"/{delivery.root_object}" if request.path == "/" and delivery.root_object else request.path
        visit = Visit(request, delivery, behaviour, path, request_id)
        outcome = await self._outcome(visit)
        return self._viewer_response(visit, outcome), outcome.result, outcome.detail

    async def _outcome(self, visit: Visit) -> Outcome:
        self._purge_due()
        policy, request = visit.behaviour.cache_policy, visit.request
        key = key_of(visit.delivery.distribution_id, visit.path, request.query, request.headers, policy)
        if request.method not in ("GET", "HEAD") or not policy.caches:
            return await self._origin_side.passed_through(visit, key)
        entry = self._cache.get(key)
        if entry is not None and (overdue := entry.overdue_seconds(self._account.clock.now())) < 0:
            return Outcome(entry, "Hit", "Hit", is_stored=True)
        if entry is not None and overdue < entry.freshness.while_revalidating:
            self._background.add(task := self._flight(visit, key, entry))
            task.add_done_callback(self._background.discard)
            return Outcome(entry, "Hit", "Hit", is_stored=True)
        if entry is None and (request.method == "HEAD" or "range" in request.headers):
            return await self._origin_side.passed_through(visit, key)
        return await self._collapsed(visit, key, entry)

    async def _collapsed(self, visit: Visit, key: CacheKey, stale: Entry | None) -> Outcome:
        """Viewers of one key share one fetch; when its answer is not for sharing, each then asks for itself."""
        leads = key not in self._flights
        outcome = await asyncio.shield(self._flight(visit, key, stale))
        if leads:
            return outcome
        if outcome.is_stored:
            return replace(outcome, result="Hit", detail="Hit")
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

    # -- from the origin ----------------------------------------------------------------------------------------

    async def _fetched(self, visit: Visit, key: CacheKey, stale: Entry | None) -> Outcome:
        seen = self._purge_number
        try:
            answer = await self._origin_side.asked(visit, conditions_of(stale), caches=True)
        except OriginError as error:
            if stale is not None and self._may_serve_stale(stale):
                return Outcome(stale, "Hit", error.detail, is_stored=True)
            return self._kept(self._origin_side.failed(visit, key, error), seen)
        if answer.status >= 500 and stale is not None and self._may_serve_stale(stale):
            return Outcome(stale, "Hit", "Error", is_stored=True)
        if answer.status == 304 and stale is not None:
            return self._kept(
                Outcome(self._origin_side.refreshed(visit, stale, answer), "RefreshHit", "RefreshHit"), seen
            )
        entry = await self._origin_side.entry(visit, key, answer)
        return self._kept(Outcome(entry, "Miss", "Miss"), seen)

    def _may_serve_stale(self, stale: Entry) -> bool:
        return stale.status < 400 and stale.overdue_seconds(self._account.clock.now()) < stale.freshness.if_error

    # -- what is kept, and what an invalidation takes away -------------------------------------------------------

    def _kept(self, outcome: Outcome, seen: int) -> Outcome:
        """Store the answer, unless an invalidation of it took effect after its fetch began."""
        self._purge_due()
        entry = outcome.entry
        if entry.freshness.ttl is None or self._was_purged_since(seen, entry):
            self._cache.drop(entry.key)
            return outcome
        self._cache.put(entry)
        return replace(outcome, is_stored=True)

    def _was_purged_since(self, seen: int, entry: Entry) -> bool:
        if self._purge_number - seen > PURGES_REMEMBERED:
            return True
        return any(
            purge.number > seen and entry.is_covered(purge.distribution_id, purge.scope) for purge in self._purges
        )

    def _purge_due(self) -> None:
        for invalidation in self._account.invalidations.take_due():
            self._purge(invalidation.distribution_id, scope_of(invalidation.paths))

    def _purge(self, distribution_id: str, scope: Scope) -> None:
        self._purge_number += 1
        self._purges.append(Purge(self._purge_number, distribution_id, scope))
        self._cache.purge(distribution_id, scope)
        for key in [key for key in self._flights if key.distribution_id == distribution_id]:
            del self._flights[key]  # whoever comes now asks the origin anew

    # -- to the viewer ------------------------------------------------------------------------------------------

    def _viewer_response(self, visit: Visit, outcome: Outcome) -> Response:
        entry = outcome.entry
        headers = entry.headers if forwards_cookies(visit.behaviour) else entry.headers.without("set-cookie")
        if "date" not in headers:
            headers = headers.with_("Date", http_date(self._account.clock.now()))
        if outcome.result in ("Hit", "RefreshHit"):
            headers = headers.with_("Age", str(max(int(self._account.clock.now() - entry.stored_at), 0)))
        error = entry.status >= 400
        x_cache = "Error from cloudfront" if error else _X_CACHE.get(outcome.result, "Error from cloudfront")
        headers = headers.overlaid(self._marks(x_cache, visit.delivery.hosts[0], visit.request_id))
        if outcome.is_stored or "range" not in visit.request.headers:
            length = entry.headers.get("content-length") if not entry.body else None
            response = tailored(visit.request, entry.status, headers, entry.body)
            return replace(response, length=_number(length)) if visit.request.method == "HEAD" and length else response
        return Response(entry.status, headers, entry.body)

    def _marks(self, x_cache: str, domain: str, request_id: str) -> Headers:
        return Headers(
            (
                ("X-Cache", x_cache),
                ("Via", f"1.1 {domain} (CloudFront)"),
                ("X-Amz-Cf-Pop", self._pop),
                ("X-Amz-Cf-Id", request_id),
            )
        )

    def _page(self, status: int, text: str, request_id: str) -> Response:
        page = error_page(status, text)
        return replace(page, headers=page.headers.overlaid(self._marks("Error from cloudfront", "edge", request_id)))

    def _record(
        self,
        request: Request,
        delivery: Delivery,
        response: Response,
        told: tuple[str, str, str],
        took_seconds: float,
    ) -> None:
        result, detail, request_id = told
        content_bytes = 0 if request.method == "HEAD" else len(response.body)
        self._log.add(
            Record(
                at=self._account.clock.now(),
                edge_location=self._pop,
                distribution_id=delivery.distribution_id,
                domain=delivery.hosts[0],
                request=request,
                status=response.status,
                headers=response.headers,
                sent_bytes=len(response_head(response, keep=True)) + content_bytes,
                content_bytes=content_bytes,
                took_seconds=took_seconds,
                result=result,
                detailed_result=detail,
                request_id=request_id,
            )
        )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None else None
