"""The edge's side towards the origin: asks it, and makes of its answer what the cache holds and the viewer gets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from perfctl.cdn.delivery.behaviours import Delivery, Origin
from perfctl.cdn.delivery.cache_key import CacheKey
from perfctl.cdn.delivery.compression import Answer, coding_for, compressed, compressed_headers
from perfctl.cdn.delivery.headers import Headers, tokens
from perfctl.cdn.delivery.ttl import NOT_STORED, Freshness, freshness
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.cache import Entry
from perfctl.sandbox.edge.fetch import Ask, OriginAnswer, OriginError, fetch
from perfctl.sandbox.edge.forward import HOP_BY_HOP, ask_of
from perfctl.sandbox.edge.visit import Outcome, Visit, error_page

MAX_TAGS = 50
LARGE_BODY_BYTES = 256 * 1024
"""From here on compression leaves the event loop."""


class OriginSide:
    """Knows the account's faults, functions and clock, and how far the origin is; holds nothing."""

    def __init__(self, account: Account, delay_seconds: Callable[[], float]) -> None:
        self._account = account
        self._delay_seconds = delay_seconds

    async def passed_through(self, visit: Visit, key: CacheKey) -> Outcome:
        """Hand the request on as it is, and its answer back; nothing is kept."""
        began = time.perf_counter()
        try:
            answer = await self.asked(visit, Headers(), caches=False)
        except OriginError as error:
            return self.failed(visit, key, error)
        took = time.perf_counter() - began
        entry = Entry(key, answer.status, _end_to_end(answer.headers), answer.body, NOT_STORED, 0.0)
        if visit.request.method == "HEAD" and answer.length is not None:
            entry = replace(entry, headers=entry.headers.with_("Content-Length", str(answer.length)))
        return Outcome(entry, "Miss", answer.made_by or "Miss", origin_seconds=took)

    async def asked(self, visit: Visit, conditions: Headers, *, caches: bool) -> OriginAnswer:
        """Ask the behaviour's origin, and an origin group's second where the first fails; OriginError from neither."""
        first = visit.behaviour.origin
        if visit.behaviour.fallback is None or visit.request.method not in ("GET", "HEAD", "OPTIONS"):
            return await self._asked_of(first, visit, conditions, caches=caches)
        try:
            answer = await self._asked_of(first, visit, conditions, caches=caches)
        except OriginError as error:
            if not error.is_kept:  # a function's error is no failure of the origin
                raise
            return await self._asked_of(visit.behaviour.fallback, visit, conditions, caches=caches)
        if answer.made_by is None and answer.origin_status in visit.behaviour.failover_statuses:
            return await self._asked_of(visit.behaviour.fallback, visit, conditions, caches=caches)
        return answer

    async def _asked_of(self, origin: Origin, visit: Visit, conditions: Headers, *, caches: bool) -> OriginAnswer:
        via = f"1.1 {visit.delivery.hosts[0]} (CloudFront)"
        ask = ask_of(visit.request, visit.behaviour, origin, visit.path, via=via, caches=caches)
        method = "GET" if caches else ask.method
        ask = replace(ask, method=method, headers=ask.headers.overlaid(conditions))
        code = self._account.code
        sent = await code.at_origin_request(visit, origin, ask)
        if isinstance(sent, OriginAnswer):
            return sent
        chosen, ask = sent
        answer = await self._fetched(origin, chosen, replace(ask, headers=_identified(ask.headers, visit)))
        changed = await code.at_origin_response(visit, ask, answer)
        return replace(changed, origin_status=answer.status)

    async def _fetched(self, named: Origin, origin: Origin, ask: Ask) -> OriginAnswer:
        """The origin's answer, after the faults that are set for it."""
        await asyncio.sleep(self._delay_seconds())
        dice = self._account.dice
        await dice.strike_origin(named.identity)
        if dice.origin_fails(named.identity):
            return OriginAnswer(503, Headers((("Content-Type", "text/plain"),)), b"Service Unavailable\n", 20)
        return await fetch(origin, ask)

    async def entry(self, visit: Visit, key: CacheKey, answer: OriginAnswer) -> Entry:
        """The answer as it is held and served: compressed where that applies."""
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

    def refreshed(self, visit: Visit, stale: Entry, answer: OriginAnswer) -> Entry:
        """What was held, with the times and fields of a 304."""
        newer = _end_to_end(answer.headers).without(
            "content-length", "content-type", "content-encoding", "etag", "vary"
        )
        headers = stale.headers.overlaid(newer)
        fresh = self._freshness(visit, stale.status, headers)
        return replace(stale, headers=headers, freshness=fresh, stored_at=self._account.clock.now(), rests_until=0.0)

    def _freshness(self, visit: Visit, status: int, headers: Headers) -> Freshness:
        return freshness(
            status,
            headers,
            visit.behaviour.cache_policy,
            now=self._account.clock.now(),
            error_ttl=visit.delivery.error_ttl(status),
        )

    def failed(self, visit: Visit, key: CacheKey, error: OriginError) -> Outcome:
        """The error page for an origin that gave no answer; kept as long as any error."""
        page = error_page(error.status, error.text)
        fresh = self._freshness(visit, error.status, Headers()) if error.is_kept else NOT_STORED
        entry = Entry(key, page.status, page.headers, page.body, fresh, self._account.clock.now())
        return Outcome(replace(entry, urls=_names(visit, key)), "Error", error.detail)


def _end_to_end(headers: Headers) -> Headers:
    named = tokens(headers.get("connection"))
    return headers.without(
        *HOP_BY_HOP, *named, "content-length", "via", "x-cache", "x-amz-cf-pop", "x-amz-cf-id", "age"
    )


def _identified(headers: Headers, visit: Visit) -> Headers:
    return headers.with_("X-Amz-Cf-Id", visit.request_id)


def conditions_of(stale: Entry | None) -> Headers:
    """What asks the origin whether a stale answer still holds."""
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
