"""Distributions: their configuration as it was sent, its version, and what the edge reads from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from xml.etree.ElementTree import Element, fromstring

from perfctl.cdn.delivery.behaviours import Delivery
from perfctl.sandbox.edge.behaviours import PolicyFinder, delivery_of
from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.identity import domain_name, short_id
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.store import Store
from perfctl.sandbox.edge.xml import check_quantities, element, is_true, leaves, stored, text_of, texts_of

MAX_DISTRIBUTIONS = 500
_LONG_AGO_SECONDS = 3_600.0
_REQUIRED = ("CallerReference", "Origins", "DefaultCacheBehavior", "Comment", "Enabled")
_DEFAULTS: tuple[tuple[str, tuple[tuple[str, object], ...]], ...] = (
    ("Aliases", (("Quantity", 0),)),
    ("CacheBehaviors", (("Quantity", 0),)),
    ("CustomErrorResponses", (("Quantity", 0),)),
)
_DEFAULT_LEAVES = (
    ("DefaultRootObject", ""),
    ("PriceClass", "PriceClass_All"),
    ("WebACLId", ""),
    ("HttpVersion", "http2"),
    ("IsIPV6Enabled", False),
    ("Staging", False),
)


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution; `config` is its DistributionConfig as XML, complete with the service's defaults."""

    identity: str
    domain: str
    etag: str
    config: str
    modified_at: float
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def config_element(self) -> Element:
        return fromstring(self.config)  # noqa: S314 - our own text, written by xml.stored


class Distributions:
    """Every distribution, kept over a restart."""

    def __init__(self, store: Store, clock: Clock, policies: PolicyFinder) -> None:
        self._store = store
        self._clock = clock
        self._policies = policies
        self._known: dict[str, Distribution] = {}
        self._deliveries: dict[str, Delivery] = {}
        for body in store.all("distribution").values():
            tags = tuple((key, value) for key, value in body["tags"])
            distribution = Distribution(**{**body, "tags": tags})
            self._known[distribution.identity] = distribution

    def create(
        self, config: Element, *, tags: tuple[tuple[str, str], ...] = (), identity: str | None = None
    ) -> Distribution:
        """Add a distribution; DistributionAlreadyExists for a CallerReference that was used."""
        reference = text_of(config, "CallerReference")
        for known in self._known.values():
            if text_of(known.config_element, "CallerReference") == reference:
                raise ServiceProblem("DistributionAlreadyExists", f"The caller reference {reference!r} was used.")
        if len(self._known) >= MAX_DISTRIBUTIONS:
            raise ServiceProblem("TooManyDistributions", f"An account has at most {MAX_DISTRIBUTIONS} distributions.")
        name = identity or short_id("E")
        return self._keep(Distribution(name, domain_name(name), "", "", 0.0, tags), config)

    def settle(self, identity: str) -> None:
        """Take it for deployed long ago: what is here before the first call is at every edge."""
        known = self.get(identity)
        self._remember(replace(known, modified_at=known.modified_at - _LONG_AGO_SECONDS))

    def get(self, identity: str) -> Distribution:
        found = self._known.get(identity)
        if found is None:
            raise ServiceProblem("NoSuchDistribution", f"The specified distribution does not exist: {identity}.")
        return found

    def all(self) -> list[Distribution]:
        return list(self._known.values())

    def update(self, identity: str, config: Element, *, if_match: str | None) -> Distribution:
        """Replace the configuration of the version that `if_match` names."""
        current = self.get(identity)
        check_version(current.etag, if_match)
        if text_of(config, "CallerReference") != text_of(current.config_element, "CallerReference"):
            raise ServiceProblem("IllegalUpdate", "CallerReference cannot be changed.")
        return self._keep(current, config)

    def delete(self, identity: str, *, if_match: str | None) -> None:
        """Remove a distribution that is disabled."""
        current = self.get(identity)
        check_version(current.etag, if_match)
        if is_true(current.config_element, "Enabled"):
            raise ServiceProblem("DistributionNotDisabled", "The distribution is not disabled.")
        del self._known[identity]
        self._deliveries.pop(identity, None)
        self._store.delete("distribution", identity)

    def tag(self, identity: str, tags: dict[str, str], *, without: tuple[str, ...] = ()) -> None:
        """Add and remove resource tags."""
        current = self.get(identity)
        merged = {**dict(current.tags), **tags}
        kept = tuple((key, value) for key, value in merged.items() if key not in without)
        self._remember(replace(current, tags=kept))

    def delivery(self, identity: str) -> Delivery:
        """The distribution as the edge sees it."""
        if identity not in self._deliveries:
            distribution = self.get(identity)
            self._deliveries[identity] = self._read(distribution, distribution.config_element)
        return self._deliveries[identity]

    def delivery_for(self, host: str) -> Delivery | None:
        """The distribution that has this host as its domain name or alias (`*.example.com` covers one label)."""
        wildcard = "*." + host.partition(".")[2]
        for identity in self._known:
            delivery = self.delivery(identity)
            if host in delivery.hosts or wildcard in delivery.hosts:
                return delivery
        return None

    def uses(self, policy_id: str) -> bool:
        return any(f">{policy_id}<" in known.config for known in self._known.values())

    def reread(self) -> None:
        """A policy changed: read every configuration again on its next use."""
        self._deliveries.clear()

    def _keep(self, distribution: Distribution, config: Element) -> Distribution:
        complete = _completed(config)
        delivery = self._read(distribution, complete)
        self._check_aliases(distribution.identity, complete)
        changed = replace(
            distribution, config=stored(complete), etag=short_id("E"), modified_at=round(self._clock.now(), 3)
        )
        self._remember(changed)
        self._deliveries[changed.identity] = delivery
        return changed

    def _remember(self, distribution: Distribution) -> None:
        self._known[distribution.identity] = distribution
        self._store.put("distribution", distribution.identity, asdict(distribution))

    def _read(self, distribution: Distribution, config: Element) -> Delivery:
        return delivery_of(distribution.identity, distribution.domain, config, self._policies)

    def _check_aliases(self, identity: str, config: Element) -> None:
        wanted = {alias.lower() for alias in texts_of(config, "Aliases")}
        for other in self._known.values():
            if other.identity != identity and wanted & set(self.delivery(other.identity).hosts):
                raise ServiceProblem("CNAMEAlreadyExists", "One or more of the CNAMEs are in use elsewhere.")


def check_version(etag: str, if_match: str | None) -> None:
    """The optimistic lock of every update and delete."""
    if not if_match:
        raise ServiceProblem("InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource.")
    if if_match.strip('"') != etag:
        raise ServiceProblem("PreconditionFailed", "The request failed because it didn't meet the preconditions.")


def _completed(config: Element) -> Element:
    if config.tag != "DistributionConfig":
        raise ServiceProblem("MalformedXML", f"DistributionConfig is expected, not {config.tag}.")
    missing = [name for name in _REQUIRED if config.find(name) is None]
    if missing:
        raise ServiceProblem("InvalidArgument", f"DistributionConfig needs {', '.join(missing)}.")
    check_quantities(config)
    complete = element("DistributionConfig", children=config)
    for name, fields in _DEFAULTS:
        if complete.find(name) is None:
            complete.append(element(name, children=leaves(**dict(fields))))
    for name, value in _DEFAULT_LEAVES:
        if complete.find(name) is None:
            complete.append(element(name, value))
    return complete
