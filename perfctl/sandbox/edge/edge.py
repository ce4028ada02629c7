"""The data plane: edge locations with regional caches and Origin Shields behind them, and the viewers' way in.

A viewer is at the edge location near the process' region unless it names another one, by the header
`X-Perfctl-Pop: FRA` or by a host name with the location in it, such as `d111111abcdef8.FRA.cloudfront.net`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from perfctl.cdn.delivery.behaviours import Delivery
from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.access_forms import Record
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.http import NO_ANSWER, Request, Response, response_head
from perfctl.sandbox.edge.identity import request_id as new_request_id
from perfctl.sandbox.edge.invalidations import Scope, scope_of
from perfctl.sandbox.edge.layer import Layer
from perfctl.sandbox.edge.location import Location, is_secure
from perfctl.sandbox.edge.places import PLACES, Distances, Place, home_of, place_named, regional_place
from perfctl.sandbox.edge.visit import Answered, Visit, error_page

LOCAL_HOSTS = ("127.0.0.1", "localhost", "")
POP_HEADER = "X-Perfctl-Pop"
_POP_HOST = re.compile(r"([a-z0-9]+)\.([a-z]{3}[a-z0-9-]*)\.cloudfront\.net")


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What stands between viewers and origins."""

    distances: Distances = Distances()  # noqa: RUF009 - frozen
    regional_caches: bool = False
    """Whether a miss of an edge location goes to the regional cache behind it first."""


class Edge:
    """Every edge location. `default_id` is the distribution for requests to a local address.

    Each of `observers` is told of every answer that a viewer got.
    """

    def __init__(self, account: Account, *, default_id: str, home: Place) -> None:
        self.settings = NetworkSettings()
        self.observers: list[Callable[[Record], None]] = []
        self._account = account
        self._default_id = default_id
        self._home = home
        self._locations: dict[str, Location] = {}
        self._regional: dict[str, Layer] = {}
        self._shields: dict[str, Layer] = {}
        self._results: Counter[str] = Counter()

    async def handle(self, request: Request) -> Response:
        """Answer one viewer, and tell the observers."""
        began = time.perf_counter()
        request_id = new_request_id()
        request, place = self._placed(request)
        if place is None:
            return self._marked(_no_such_place(), "edge", self._home, request_id).response
        delivery = self._delivery(request)
        if delivery is None:
            answered = _page(403, "The host name is not that of a distribution.")
            return self._marked(answered, "edge", place, request_id).response
        fault = self._account.dice.edge_fault()
        if fault == "reset":
            return NO_ANSWER
        await asyncio.sleep(self.settings.distances.to_viewer_seconds(place))
        answered = await self._answered(request, delivery, place, request_id, fails=fault == "5xx")
        if fault == "cut" and request.method != "HEAD":
            answered = replace(answered, response=_cut(answered.response))
        self._tell(request, delivery, place, answered, request_id, time.perf_counter() - began)
        return answered.response

    def figures(self) -> dict[str, object]:
        """What is held, how many fetches for it are under way, how requests were answered, and what each layer has."""
        self.purge_due()
        layers = {name: layer.figures() for name, layer in self._named_layers()}
        totals = {
            what: sum(figures[what] for figures in layers.values()) for what in ("entries", "size_bytes", "fetching")
        }
        return {**totals, "results": dict(self._results), "layers": layers, "functions": self._account.code.figures()}

    def empty(self) -> None:
        """Hold nothing, as after a start."""
        for distribution in self._account.distributions.all():
            self._purge(distribution.identity, scope_of(("/*",)))

    async def close(self) -> None:
        """End what still runs for nobody."""
        for _, layer in self._named_layers():
            await layer.close()
        await self._account.code.close()

    # -- what a layer knows of the others -----------------------------------------------------------------------

    def purge_due(self) -> None:
        """Let the invalidations that are due take effect in every layer."""
        for invalidation in self._account.invalidations.take_due():
            self._purge(invalidation.distribution_id, scope_of(invalidation.paths))

    def above(self, layer: Layer, visit: Visit) -> Layer | None:
        """The regional cache where there is one, then the origin's shield, then the origin itself."""
        if layer in self._shields.values():
            return None
        is_pop = layer not in self._regional.values()
        if is_pop and self.settings.regional_caches:
            return self._regional_layer(regional_place(layer.place))
        region = visit.behaviour.origin.shield_region
        return None if region is None else self._shield(region)

    def between_seconds(self, layer: Layer, other: Layer) -> float:
        return self.settings.distances.between_seconds(layer.place, other.place)

    def to_origin_seconds(self, layer: Layer) -> float:
        return self.settings.distances.to_origin_seconds(layer.place)

    def _purge(self, distribution_id: str, scope: Scope) -> None:
        for _, layer in self._named_layers():
            layer.purge(distribution_id, scope)

    def _named_layers(self) -> list[tuple[str, Layer]]:
        return [
            *((name, location.layer) for name, location in self._locations.items()),
            *((f"regional {name}", layer) for name, layer in self._regional.items()),
            *((f"shield {region}", layer) for region, layer in self._shields.items()),
        ]

    def _location(self, place: Place) -> Location:
        if place.name not in self._locations:
            self._locations[place.name] = Location(self._account, Layer(self._account, place, self))
        return self._locations[place.name]

    def _regional_layer(self, place: Place) -> Layer:
        if place.name not in self._regional:
            self._regional[place.name] = Layer(self._account, place, self)
        return self._regional[place.name]

    def _shield(self, region: str) -> Layer:
        if region not in self._shields:
            self._shields[region] = Layer(self._account, home_of(region), self, hit_detail="OriginShieldHit")
        return self._shields[region]

    # -- from request to answer ---------------------------------------------------------------------------------

    def _placed(self, request: Request) -> tuple[Request, Place | None]:
        """The request without what names the edge location, and that location; None for one that is not known."""
        named = request.headers.get(POP_HEADER)
        if named is not None:
            return replace(request, headers=request.headers.without(POP_HEADER)), self._place(named)
        match = _POP_HOST.fullmatch(request.host)
        if match is None or match[1].upper() not in self._hosts_of_pops():
            return request, self._home
        host = self._hosts_of_pops()[match[1].upper()]
        return replace(request, headers=request.headers.with_("Host", host)), self._place(match[2])

    def _place(self, text: str) -> Place | None:
        return self._home if text[:3].upper() == self._home.code else place_named(text)

    def _hosts_of_pops(self) -> dict[str, str]:
        """What may stand before the location in a host name: the distribution's id, or its domain's first label."""
        known = self._account.distributions.all()
        return {item.identity: item.domain for item in known} | {
            item.domain.partition(".")[0].upper(): item.domain for item in known
        }

    def _delivery(self, request: Request) -> Delivery | None:
        distributions = self._account.distributions
        delivery = distributions.delivery_for(request.host)
        if delivery is None and request.host in LOCAL_HOSTS:
            known = (distribution.identity for distribution in distributions.all())
            delivery = distributions.delivery(self._default_id) if self._default_id in known else None
        return delivery if delivery is not None and delivery.enabled else None

    async def _answered(
        self, request: Request, delivery: Delivery, place: Place, request_id: str, *, fails: bool
    ) -> Answered:
        if fails:
            answered = _page(503, "The edge location is over its capacity.", detail="CapacityExceeded")
        else:
            answered = await self._location(place).answered(request, delivery, request_id)
        self._results[answered.result] += 1
        return self._marked(answered, delivery.hosts[0], place, request_id)

    def _marked(self, answered: Answered, domain: str, place: Place, request_id: str) -> Answered:
        """With the fields that CloudFront puts on every answer."""
        marks = Headers(
            (
                ("X-Cache", f"{answered.x_cache} from cloudfront"),
                ("Via", f"1.1 {domain} (CloudFront)"),
                ("X-Amz-Cf-Pop", place.name),
                ("X-Amz-Cf-Id", request_id),
            )
        )
        response = answered.response
        return replace(answered, response=replace(response, headers=response.headers.overlaid(marks)))

    def _tell(
        self,
        request: Request,
        delivery: Delivery,
        place: Place,
        answered: Answered,
        request_id: str,
        took_seconds: float,
    ) -> None:
        response = answered.response
        content_bytes = 0 if request.method == "HEAD" else len(response.body)
        record = Record(
            at=self._account.clock.now(),
            edge_location=place.name,
            country=place.country,
            distribution_id=delivery.distribution_id,
            domain=delivery.hosts[0],
            logging=delivery.logging,
            request=request,
            protocol="https" if is_secure(request) else "http",
            pattern=None if answered.behaviour is None else answered.behaviour.pattern or "*",
            status=response.status,
            headers=response.headers,
            sent_bytes=len(response_head(response, keep=True)) + content_bytes,
            content_bytes=content_bytes,
            took_seconds=took_seconds,
            origin_seconds=answered.origin_seconds,
            result=answered.result,
            detailed_result=answered.detail,
            request_id=request_id,
        )
        for observer in self.observers:
            observer(record)


def _page(status: int, text: str, *, detail: str = "Error") -> Answered:
    return Answered(error_page(status, text), "Error", detail, "Error")


def _no_such_place() -> Answered:
    known = ", ".join(PLACES)
    return _page(400, f"{POP_HEADER} or the host name names no edge location that is here; these are: {known}.")


def _cut(response: Response) -> Response:
    """The answer that ends amid its body."""
    return replace(response, body=response.body[: len(response.body) // 2], length=len(response.body))
