"""Policies of one kind: the managed ones, and those of the account, kept over a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from xml.etree.ElementTree import Element, fromstring

from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.distributions import check_version
from perfctl.sandbox.edge.identity import policy_id, short_id
from perfctl.sandbox.edge.policies import Managed
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.store import Store
from perfctl.sandbox.edge.xml import check_quantities, element, stored, text_of

MAX_OWN = 20


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy; `config` is its configuration as XML."""

    identity: str
    etag: str
    config: str
    modified_at: float
    is_managed: bool = False

    @property
    def config_element(self) -> Element:
        return fromstring(self.config)  # noqa: S314 - our own text, written by xml.stored


class Shelf:
    """The policies of one kind, say `CachePolicy`; `read` refuses a configuration that makes no sense."""

    def __init__(
        self,
        kind: str,
        managed: Iterable[Managed],
        store: Store,
        clock: Clock,
        *,
        read: Callable[[Element], object],
        needed: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self._store = store
        self._clock = clock
        self._read = read
        self._needed = needed
        self._policies = {item.identity: _as_policy(item) for item in managed}
        self._policies |= {identity: Policy(**body) for identity, body in store.all(kind).items()}

    def get(self, identity: str) -> Policy:
        found = self._policies.get(identity)
        if found is None:
            raise ServiceProblem(f"NoSuch{self.kind}", f"The {self.kind} does not exist: {identity}.")
        return found

    def all(self) -> list[Policy]:
        return list(self._policies.values())

    def create(self, config: Element) -> Policy:
        name = self._checked(config)
        if any(text_of(policy.config_element, "Name") == name for policy in self._policies.values()):
            raise ServiceProblem(f"{self.kind}AlreadyExists", f"A policy has the name {name!r}.")
        if sum(not policy.is_managed for policy in self._policies.values()) >= MAX_OWN:
            raise ServiceProblem(
                f"TooMany{self.kind.removesuffix('y')}ies", f"An account has at most {MAX_OWN} policies of its own."
            )
        return self._keep(policy_id(), config)

    def update(self, identity: str, config: Element, *, if_match: str | None) -> Policy:
        self._checked(config)
        current = self._own(identity, "IllegalUpdate")
        check_version(current.etag, if_match)
        return self._keep(identity, config)

    def delete(self, identity: str, *, if_match: str | None) -> None:
        current = self._own(identity, "IllegalDelete")
        check_version(current.etag, if_match)
        del self._policies[identity]
        self._store.delete(self.kind, identity)

    def _own(self, identity: str, refusal: str) -> Policy:
        policy = self.get(identity)
        if policy.is_managed:
            raise ServiceProblem(refusal, "A managed policy cannot be changed.")
        return policy

    def _checked(self, config: Element) -> str:
        name = text_of(config, "Name")
        missing = [tag for tag in ("Name", *self._needed) if config.find(tag) is None]
        if config.tag != f"{self.kind}Config" or not name or missing:
            needed = " and ".join(("Name", *self._needed))
            raise ServiceProblem("InvalidArgument", f"A {self.kind}Config with {needed} is expected.")
        check_quantities(config)
        self._read(config)
        return name

    def _keep(self, identity: str, config: Element) -> Policy:
        policy = Policy(identity, short_id("E"), stored(element(config.tag, children=config)), self._clock.now())
        self._policies[identity] = policy
        self._store.put(self.kind, identity, asdict(policy))
        return policy


def _as_policy(managed: Managed) -> Policy:
    etag = "E" + managed.identity.replace("-", "").upper()[:13]
    return Policy(managed.identity, etag, stored(managed.config), 1_600_000_000.0, is_managed=True)
