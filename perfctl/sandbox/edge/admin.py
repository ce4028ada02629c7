"""The reserved paths of the control port: ready, faults, clock, logs, cache, cost. For the sandbox and its tests.

| path | does |
|---|---|
| GET /_perfctl/ready | 200 as soon as all three ports answer |
| GET, POST, DELETE /_perfctl/faults | read, set (JSON object of `Faults`), clear |
| POST /_perfctl/clock | `{"advance_seconds": 30}` moves the time of TTLs and invalidations forward |
| POST /_perfctl/logs/flush | writes the access log now |
| GET, DELETE /_perfctl/cache | what the edge holds, and how it answered; empty it |
| GET /_perfctl/cost | this month's invalidation paths and their price |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.access_log import AccessLog
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.edge import Edge
from perfctl.sandbox.edge.faults import Faults, read_faults
from perfctl.sandbox.edge.http import Request, Response

PREFIX = "/_perfctl"
_LOCAL_HOSTS = ("127.0.0.1", "localhost")


class Admin:
    """Answers JSON to callers that name a local host; a web page that was pointed here is refused."""

    def __init__(self, account: Account, edge: Edge, log: AccessLog) -> None:
        self._account = account
        self._edge = edge
        self._log = log
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], object]] = {
            ("GET", "/ready"): lambda _: {"status": "ready"},
            ("GET", "/faults"): lambda _: asdict(account.dice.faults),
            ("POST", "/faults"): self._set_faults,
            ("DELETE", "/faults"): lambda _: self._set_faults({}),
            ("POST", "/clock"): self._advance,
            ("POST", "/logs/flush"): lambda _: {"files": log.flush()},
            ("GET", "/cache"): lambda _: edge.figures(),
            ("DELETE", "/cache"): self._empty,
            ("GET", "/cost"): lambda _: asdict(account.invalidations.bill()),
        }

    async def handle(self, request: Request) -> Response:
        answer = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if answer is None:
            return _json(404, {"error": f"no such path: {request.method} {request.path[:200]}"})
        if request.host not in _LOCAL_HOSTS or request.headers.get("origin") is not None:
            return _json(403, {"error": "for local callers only"})
        try:
            return _json(200, answer(_body(request)))
        except ValueError as error:
            return _json(400, {"error": str(error)})

    def _set_faults(self, body: dict[str, Any]) -> object:
        faults: Faults = read_faults(body)
        self._account.dice.set(faults)
        return asdict(faults)

    def _advance(self, body: dict[str, Any]) -> object:
        seconds = body.get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 10**9:
            raise ValueError(f"advance_seconds is a number of 0 to 10^9, not {seconds!r}")
        self._account.clock.advance(seconds)
        return {"now": self._account.clock.now()}

    def _empty(self, _: dict[str, Any]) -> object:
        self._edge.empty()
        return self._edge.figures()


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")
    return body


def _json(status: int, value: object) -> Response:
    return Response(status, Headers((("Content-Type", "application/json"),)), json.dumps(value).encode() + b"\n")
