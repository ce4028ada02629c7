"""The data plane: answers a viewer from what it holds, or asks the origin and keeps the answer as the policy says."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, replace

from perfctl.sandbox.edge.access_log import AccessLog, Record
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.behaviours import Behaviour, Delivery, Origin
from perfctl.sandbox.edge.cache import Cache, Entry
from perfctl.sandbox.edge.cache_key import CacheKey, canonical, key_of
from perfctl.sandbox.edge.clock import http_date
from perfctl.sandbox.edge.compress import Answer, coding_for, compressed, compressed_headers
from perfctl.sandbox.edge.fetch import OriginAnswer, OriginError, fetch
from perfctl.sandbox.edge.forward import HOP_BY_HOP, ask_of, forwards_cookies
from perfctl.sandbox.edge.headers import Headers, tokens
from perfctl.sandbox.edge.http import Request, Response, response_head
from perfctl.sandbox.edge.identity import request_id as new_request_id
from perfctl.sandbox.edge.invalidations import Scope, scope_of
from perfctl.sandbox.edge.ttl import NOT_STORED, Freshness, freshness
from perfctl.sandbox.edge.viewer import tailored

MAX_URL_BYTES = 8_192
MAX_TAGS = 50
PURGES_REMEMBERED = 256
LARGE_BODY_BYTES = 256 * 1024
"""From here on compression leaves the event loop."""

LOCAL_HOSTS = ("127.0.0.1", "localhost", "")

_X_CACHE = {
    "Hit": "Hit from cloudfront",
    "RefreshHit": "RefreshHit from cloudfront",
    "Miss": "Miss from cloudfront",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request on its way: which distribution and behaviour, under which id."""

    request: Request
    delivery: Delivery
    behaviour: Behaviour
    path: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, where it came from, and whether others may have it, too."""

    entry: Entry
    result: str
    detail: str
    is_stored: bool = False


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
        """What is held, and how requests were answered."""
        self._purge_due()
        return {"entries": len(self._cache), "size_bytes": self._cache.size_bytes, "results": dict(self._results)}

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
            return await self._passed_through(visit, key)
        entry = self._cache.get(key)
        if entry is not None and (overdue := entry.overdue_seconds(self._account.clock.now())) < 0:
            return Outcome(entry, "Hit", "Hit", is_stored=True)
        if entry is not None and overdue < entry.freshness.while_revalidating:
            self._background.add(task := self._flight(visit, key, entry))
            task.add_done_callback(self._background.discard)
            return Outcome(entry, "Hit", "Hit", is_stored=True)
        if entry is None and (request.method == "HEAD" or "range" in request.headers):
            return await self._passed_through(visit, key)
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

    async def _passed_through(self, visit: Visit, key: CacheKey) -> Outcome:
        try:
            answer = await self._asked(visit, Headers(), caches=False)
        except OriginError as error:
            return self._failed(visit, key, error)
        entry = Entry(key, answer.status, _end_to_end(answer.headers), answer.body, NOT_STORED, 0.0)
        if visit.request.method == "HEAD" and answer.length is not None:
            entry = replace(entry, headers=entry.headers.with_("Content-Length", str(answer.length)))
        return Outcome(entry, "Miss", "Miss")

    async def _fetched(self, visit: Visit, key: CacheKey, stale: Entry | None) -> Outcome:
        seen = self._purge_number
        try:
            answer = await self._asked(visit, _conditions(stale), caches=True)
        except OriginError as error:
            if stale is not None and self._may_serve_stale(stale):
                return Outcome(stale, "Hit", error.detail, is_stored=True)
            return self._kept(visit, self._failed(visit, key, error), seen)
        if answer.status >= 500 and stale is not None and self._may_serve_stale(stale):
            return Outcome(stale, "Hit", "Error", is_stored=True)
        if answer.status == 304 and stale is not None:
            return self._kept(visit, Outcome(self._refreshed(visit, stale, answer), "RefreshHit", "RefreshHit"), seen)
        entry = await self._entry(visit, key, answer)
        return self._kept(visit, Outcome(entry, "Miss", "Miss"), seen)

    async def _asked(self, visit: Visit, conditions: Headers, *, caches: bool) -> OriginAnswer:
        faults = self._account.dice.faults
        if faults.origin_latency_ms:
            await asyncio.sleep(faults.origin_latency_ms / 1000)
        if faults.origin_down:
            raise OriginError(502, "OriginConnectError")
        first = visit.behaviour.origin
        if visit.behaviour.fallback is None or visit.request.method not in ("GET", "HEAD", "OPTIONS"):
            return await self._asked_of(first, visit, conditions, caches=caches)
        try:
            answer = await self._asked_of(first, visit, conditions, caches=caches)
        except OriginError:
            return await self._asked_of(visit.behaviour.fallback, visit, conditions, caches=caches)
        if answer.status in visit.behaviour.failover_statuses:
            return await self._asked_of(visit.behaviour.fallback, visit, conditions, caches=caches)
        return answer

    async def _asked_of(self, origin: Origin, visit: Visit, conditions: Headers, *, caches: bool) -> OriginAnswer:
        via = f"1.1 {visit.delivery.hosts[0]} (CloudFront)"
        ask = ask_of(
            visit.request, visit.behaviour, origin, visit.path, via=via, request_id=visit.request_id, caches=caches
        )
        method = "GET" if caches else ask.method
        return await fetch(origin, replace(ask, method=method, headers=ask.headers.overlaid(conditions)))

    async def _entry(self, visit: Visit, key: CacheKey, answer: OriginAnswer) -> Entry:
        headers, body = _end_to_end(answer.headers), answer.body
        fresh = self._freshness(visit, answer.status, headers)
        form = Answer(answer.status, headers, body, had_length=answer.length is not None)
        coding = coding_for(form, key.encodings, compress=visit.behaviour.compress, version=visit.request.version)
        if coding is not None and fresh.ttl:
            large = len(body) >= LARGE_BODY_BYTES
            body = await asyncio.to_thread(compressed, body, coding) if large else compressed(body, coding)
            headers = compressed_headers(headers, coding)
        return Entry(
            key=key,
            status=answer.status,
            headers=headers,
            body=body,
            freshness=fresh,
            stored_at=self._account.clock.now(),
            etag=answer.headers.get("etag"),
            last_modified=answer.headers.get("last-modified"),
            urls=_names(visit, key),
            tags=_tags(visit.delivery, answer.headers),
        )

    def _refreshed(self, visit: Visit, stale: Entry, answer: OriginAnswer) -> Entry:
        newer = _end_to_end(answer.headers).without(
            "content-length", "content-type", "content-encoding", "etag", "vary"
        )
        headers = stale.headers.overlaid(newer)
        fresh = self._freshness(visit, stale.status, headers)
        return replace(stale, headers=headers, freshness=fresh, stored_at=self._account.clock.now())

    def _freshness(self, visit: Visit, status: int, headers: Headers) -> Freshness:
        return freshness(
            status,
            headers,
            visit.behaviour.cache_policy,
            now=self._account.clock.now(),
            error_ttl=visit.delivery.error_ttl(status),
        )

    def _failed(self, visit: Visit, key: CacheKey, error: OriginError) -> Outcome:
        page = self._page(error.status, "CloudFront could not get an answer from the origin.", visit.request_id)
        fresh = self._freshness(visit, error.status, Headers())
        entry = Entry(
            key, page.status, page.headers.only(("content-type",)), page.body, fresh, self._account.clock.now()
        )
        return Outcome(replace(entry, urls=_names(visit, key)), "Error", error.detail)

    def _may_serve_stale(self, stale: Entry) -> bool:
        return stale.status < 400 and stale.overdue_seconds(self._account.clock.now()) < stale.freshness.if_error

    # -- what is kept, and what an invalidation takes away -------------------------------------------------------

    def _kept(self, visit: Visit, outcome: Outcome, seen: int) -> Outcome:
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
        body = (
            f"<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>{text}</BODY></HTML>\n"
        )
        headers = Headers((("Content-Type", "text/html"), ("Server", "CloudFront")))
        return Response(
            status, headers.overlaid(self._marks("Error from cloudfront", "edge", request_id)), body.encode()
        )

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


def _end_to_end(headers: Headers) -> Headers:
    named = tokens(headers.get("connection"))
    return headers.without(
        *HOP_BY_HOP, *named, "content-length", "via", "x-cache", "x-amz-cf-pop", "x-amz-cf-id", "age"
    )


def _conditions(stale: Entry | None) -> Headers:
    if stale is None or stale.status != 200:
        return Headers()
    fields = (("If-None-Match", stale.etag), ("If-Modified-Since", stale.last_modified))
    return Headers(tuple((name, value) for name, value in fields if value))


def _names(visit: Visit, key: CacheKey) -> tuple[str, ...]:
    """The URL, and for the default root object both of its names."""
    if visit.delivery.root_object and key.url == f"/{visit.delivery.root_object}":
        return ("/", key.url)
    return (key.url,)


def _tags(delivery: Delivery, headers: Headers) -> frozenset[str]:
    if delivery.tag_header is None:
        return frozenset()
    return frozenset(tokens(headers.get(delivery.tag_header))[:MAX_TAGS])


def _number(text: str | None) -> int | None:
    return int(text) if text is not None else None
