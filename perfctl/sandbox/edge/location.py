"""One edge location: takes a viewer's request through its behaviour, its functions and its caches to an answer."""

from __future__ import annotations

import random
from dataclasses import replace

from perfctl.cdn.delivery.behaviours import Behaviour, Delivery, ErrorPage
from perfctl.cdn.delivery.cache_key import canonical
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.response_headers import with_policy
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.clock import http_date
from perfctl.sandbox.edge.edge_code import FunctionError, Generated
from perfctl.sandbox.edge.forward import forwards_cookies
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.layer import Layer
from perfctl.sandbox.edge.viewer import tailored
from perfctl.sandbox.edge.viewer_facts import with_facts
from perfctl.sandbox.edge.visit import Answered, Outcome, Visit, error_page

MAX_URL_BYTES = 8_192
_HITS = ("Hit", "RefreshHit")


class Location:
    """Answers for every distribution, out of one layer of caches."""

    def __init__(self, account: Account, layer: Layer) -> None:
        self.layer = layer
        self._account = account
        self._random = random.Random()  # noqa: S311 - which answers are sampled is no secret

    async def answered(self, request: Request, delivery: Delivery, request_id: str) -> Answered:
        """The answer to one viewer, without the marks of the edge."""
        if len(request.path) + len(request.query) > MAX_URL_BYTES:
            return _refused(414, "The URL is longer than 8,192 bytes.")
        behaviour = delivery.behaviour_of(canonical(_path(request.path, delivery)))
        if not is_secure(request) and behaviour.viewer_protocol != "allow-all":
            return _other_protocol(request, behaviour)
        if request.method not in behaviour.allowed_methods:
            return _refused(403, "This distribution is not configured to allow the HTTP request method.")
        request = with_facts(request, behaviour, self.layer.place, secure=is_secure(request))
        visit = Visit(request, delivery, behaviour, request.path, request_id)
        try:
            return await self._through_functions(visit)
        except FunctionError as error:
            return _failed(visit, error)

    async def _through_functions(self, visit: Visit) -> Answered:
        code = self._account.code
        sent = await code.at_viewer_request(visit)
        if isinstance(sent, Generated):
            result = "Error" if sent.response.status >= 400 else sent.result
            made = replace(sent.response, headers=self._dated(sent.response.headers))
            return Answered(made, result, sent.result, sent.result, visit.behaviour)
        visit = replace(sent, path=_path(sent.path, sent.delivery))
        outcome = await self.layer.outcome(visit)
        page = visit.delivery.error_page(outcome.entry.status)
        if page is not None:
            outcome = await self._with_page(visit, outcome, page)
            return _told(visit, outcome, self._response(visit, outcome))
        response = await code.at_viewer_response(visit, self._response(visit, outcome))
        return _told(visit, outcome, response)

    async def _with_page(self, visit: Visit, outcome: Outcome, page: ErrorPage) -> Outcome:
        """The custom error page in place of an error; the error itself where the page cannot be had."""
        headers = visit.request.headers.without("range", "if-none-match", "if-modified-since")
        request = replace(visit.request, method="GET", path=page.path, query="", headers=headers, body=b"")
        behaviour = visit.delivery.behaviour_of(canonical(page.path))
        found = await self.layer.outcome(replace(visit, request=request, path=page.path, behaviour=behaviour))
        if found.entry.status != 200:
            return outcome
        entry = replace(found.entry, status=page.response_status)
        return replace(outcome, entry=entry, result="Error", is_stored=True)

    # -- the response -------------------------------------------------------------------------------------------

    def _response(self, visit: Visit, outcome: Outcome) -> Response:
        entry, request = outcome.entry, visit.request
        headers = entry.headers if forwards_cookies(visit.behaviour) else entry.headers.without("set-cookie")
        headers = self._dated(headers)
        if outcome.result in _HITS:
            headers = headers.with_("Age", str(max(int(self._account.clock.now() - entry.stored_at), 0)))
        headers = self._with_policy(visit, outcome, headers)
        if not outcome.is_stored and "range" in request.headers:
            return Response(entry.status, headers, entry.body)
        length = entry.headers.get("content-length") if not entry.body else None
        response = tailored(request, entry.status, headers, entry.body)
        return replace(response, length=int(length)) if request.method == "HEAD" and length else response

    def _with_policy(self, visit: Visit, outcome: Outcome, headers: Headers) -> Headers:
        policy, asked = visit.behaviour.response_policy, visit.request.headers
        if policy is None:
            return headers
        changed = with_policy(policy, asked, visit.request.method, headers)
        rate = policy.server_timing_rate
        if rate is None or not ("server-timing" in (asked.get("pragma") or "") or self._random.random() * 100 < rate):
            return changed
        return Headers((*changed.fields, ("Server-Timing", self._timing(visit, outcome))))

    def _timing(self, visit: Visit, outcome: Outcome) -> str:
        state = {"Hit": "hit", "RefreshHit": "refresh"}.get(outcome.result, "miss")
        parts = [f"cdn-cache-{state}", f'cdn-pop;desc="{self.layer.place.name}"', f'cdn-rid;desc="{visit.request_id}"']
        if outcome.origin_seconds is not None:
            took = round(outcome.origin_seconds * 1000)
            parts = ['cdn-upstream-layer;desc="Origin"', f"cdn-upstream-fbl;dur={took}", *parts]
        return ",".join(parts)

    def _dated(self, headers: Headers) -> Headers:
        return headers if "date" in headers else headers.with_("Date", http_date(self._account.clock.now()))


def is_secure(request: Request) -> bool:
    """Whether the viewer came over HTTPS, as far as who ended it in front of this edge says."""
    return (request.headers.get("x-forwarded-proto") or "").lower() == "https"


def _path(path: str, delivery: Delivery) -> str:
    return f"/{delivery.root_object}" if path == "/" and delivery.root_object else path


def _other_protocol(request: Request, behaviour: Behaviour) -> Answered:
    if behaviour.viewer_protocol == "https-only":
        return _refused(403, "Bad request. This distribution takes HTTPS alone.")
    query = f"?{request.query}" if request.query else ""
    headers = error_page(301, "").headers.with_("Location", f"https://{request.host}{request.path}{query}")
    return Answered(Response(301, headers, b""), "Redirect", "Redirect", "Redirect", behaviour)


def _refused(status: int, text: str) -> Answered:
    return Answered(error_page(status, text), "Error", "Error", "Error")


def _failed(visit: Visit, error: FunctionError) -> Answered:
    return Answered(error_page(error.status, error.text), "Error", error.detail, error.detail, visit.behaviour)


def _told(visit: Visit, outcome: Outcome, response: Response) -> Answered:
    result = "Error" if outcome.entry.status >= 400 or response.status >= 400 else outcome.result
    x_cache = result
    if outcome.detail.startswith(("Lambda", "Function")):
        x_cache = outcome.detail
    return Answered(response, result, outcome.detail, x_cache, visit.behaviour, outcome.origin_seconds)
