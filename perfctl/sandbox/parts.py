"""The parts that a sandbox can have, by name; a new part is one file and one row here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from perfctl.sandbox.cloudfront import CloudFrontPart
from perfctl.sandbox.cluster import ClusterPart
from perfctl.sandbox.postgres import PostgresPart
from perfctl.sandbox.replica import ReplicaPart
from perfctl.sandbox.sentinel import SentinelPart
from perfctl.sandbox.service import Part, Service
from perfctl.sandbox.site import Site
from perfctl.sandbox.valkey import ValkeyPart

ALWAYS = ("valkey", "cloudfront", "postgres")
"""What every sandbox has."""

PARTS: Mapping[str, Callable[[Site, bool], Part]] = {
    "valkey": lambda site, seeded: ValkeyPart(site),
    "cloudfront": lambda site, seeded: CloudFrontPart(site),
    "cluster": lambda site, seeded: ClusterPart(site),
    "sentinel": lambda site, seeded: SentinelPart(site),
    "postgres": lambda site, seeded: PostgresPart(site, seeded=seeded),
    "replica": lambda site, seeded: ReplicaPart(site),
}
"""Name -> (site, seeded) -> part, in the order in which they start: what prepares longest comes last."""

OPTIONAL = tuple(name for name in PARTS if name not in ALWAYS)
"""What `--with` accepts."""


def build(site: Site, names: Iterable[str], *, seeded: bool) -> list[Part]:
    """The parts of these names, in the order of the table."""
    wanted = set(names)
    return [make(site, seeded) for name, make in PARTS.items() if name in wanted]


def services_of(parts: Iterable[Part]) -> list[Service]:
    """All their servers."""
    return [service for part in parts for service in part.services]
