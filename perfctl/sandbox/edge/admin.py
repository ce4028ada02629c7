"""The reserved paths of the control port. For the sandbox and its tests.

| path | does |
|---|---|
| GET /_perfctl/ready | 200 as soon as all three ports answer |
| GET, POST, DELETE /_perfctl/faults | read, set (JSON object of `Faults`), clear |
| POST /_perfctl/clock | `{"advance_seconds": 30}` moves the time of TTLs and invalidations forward |
| GET, POST /_perfctl/logs | the forms of the access log: `{"forms": ["v1", "v2-json", "v2-w3c"]}` |
| POST /_perfctl/logs/flush | writes the access log now |
| GET, POST /_perfctl/network | latencies and layers (`Distances`, `regional_caches`) |
| GET, POST /_perfctl/invalidations | how long they take (`Delay`) |
| GET, DELETE /_perfctl/cache | what the edge holds, and how it answered; empty it |
| GET /_perfctl/cost | this month's invalidation paths and their price |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.access_forms import FORMS
from perfctl.sandbox.edge.access_log import AccessLog
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.edge import Edge, NetworkSettings
from perfctl.sandbox.edge.faults import Faults, read_faults
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.invalidations import Delay
from perfctl.sandbox.edge.places import HOMES, PLACES, Distances

PREFIX = "/_perfctl"
_LOCAL_HOSTS = ("127.0.0.1", "localhost")

Body = dict[str, Any]


class Admin:
    """Answers JSON to callers that name a local host; a web page that was pointed here is refused."""

    def __init__(self, account: Account, edge: Edge, log: AccessLog) -> None:
        self._account = account
        self._edge = edge
        self._log = log
        self._routes: dict[tuple[str, str], Callable[[Body], object]] = {
            ("GET", "/ready"): lambda _: {"status": "ready"},
            ("GET", "/faults"): lambda _: asdict(account.dice.faults),
            ("POST", "/faults"): self._set_faults,
            ("DELETE", "/faults"): lambda _: self._set_faults({}),
            ("POST", "/clock"): self._advance,
            ("GET", "/logs"): lambda _: {"forms": log.forms},
            ("POST", "/logs"): self._set_forms,
            ("POST", "/logs/flush"): lambda _: {"files": log.flush()},
            ("GET", "/network"): lambda _: self._network(),
            ("POST", "/network"): self._set_network,
            ("GET", "/invalidations"): lambda _: asdict(account.invalidations.delay),
            ("POST", "/invalidations"): self._set_delay,
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

    def _set_faults(self, body: Body) -> object:
        faults: Faults = read_faults(body)
        self._account.dice.set(faults)
        return asdict(faults)

    def _advance(self, body: Body) -> object:
        self._account.clock.advance(_number(body, "advance_seconds", None, most=10**9))
        return {"now": self._account.clock.now()}

    def _set_forms(self, body: Body) -> object:
        forms = body.get("forms")
        if not isinstance(forms, list) or any(form not in FORMS for form in forms):
            raise ValueError(f"forms is a list of {', '.join(FORMS)}")
        self._log.flush()
        self._log.forms = tuple(dict.fromkeys(forms))
        return {"forms": self._log.forms}

    def _set_network(self, body: Body) -> object:
        known = [field.name for field in fields(Distances)]
        _check_names(body, (*known, "regional_caches"))
        region = body.get("origin_region", "us-east-1")
        if region not in HOMES:
            raise ValueError(f"origin_region is one of {', '.join(HOMES)}")
        distances = Distances(
            world=body.get("world") is True,
            origin_region=region,
            viewer_ms=_number(body, "viewer_ms", 0.0),
            origin_ms=_number(body, "origin_ms", 0.0),
            pops=_pops(body.get("pops", {})),
        )
        self._edge.settings = NetworkSettings(distances, body.get("regional_caches") is True)
        return self._network()

    def _network(self) -> object:
        settings = self._edge.settings
        places = {code: place.name for code, place in PLACES.items()}
        return {**asdict(settings.distances), "regional_caches": settings.regional_caches, "locations": places}

    def _set_delay(self, body: Body) -> object:
        _check_names(body, tuple(field.name for field in fields(Delay)))
        least = _number(body, "completion_seconds", self._account.invalidations.completion_seconds)
        seed = body.get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise ValueError(f"seed is a whole number, not {seed!r}")
        delay = Delay(
            completion_seconds=least,
            up_to_seconds=_number(body, "up_to_seconds", least),
            effect_share=_number(body, "effect_share", 0.2, most=1),
            seed=seed,
        )
        self._account.invalidations.set_delay(delay)
        return asdict(delay)

    def _empty(self, _: Body) -> object:
        self._edge.empty()
        return self._edge.figures()


def _check_names(body: Body, known: tuple[str, ...]) -> None:
    if unknown := sorted(body.keys() - set(known)):
        raise ValueError(f"unknown setting {unknown[0]!r}; known are {', '.join(known)}")


def _number(body: Body, name: str, default: float | None, *, most: float = 10**6) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"{name} is a number of 0 to {most}, not {value!r}")
    return float(value)


def _pops(body: object) -> dict[str, float]:
    if not isinstance(body, dict) or any(code not in PLACES for code in body):
        raise ValueError(f"pops has milliseconds for some of {', '.join(PLACES)}")
    return {code: _number(body, code, None) for code in body}


def _body(request: Request) -> Body:
    try:
        body = json.loads(request.body or b"{}")
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")
    return body


def _json(status: int, value: object) -> Response:
    return Response(status, Headers((("Content-Type", "application/json"),)), json.dumps(value).encode() + b"\n")
