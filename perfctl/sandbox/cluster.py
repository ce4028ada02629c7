"""A Valkey cluster of three primaries and three replicas, born knowing each other."""

from __future__ import annotations

import hashlib
from typing import Any

from perfctl.sandbox.ports import HOST
from perfctl.sandbox.service import NotReadyError, Service
from perfctl.sandbox.site import Site
from perfctl.sandbox.state import write_private
from perfctl.sandbox.valkey import Valkey

PRIMARIES = 3
SIZE = 6
_SLOTS = 16384


class ClusterPart:
    """Six nodes."""

    name = "cluster"

    def __init__(self, site: Site) -> None:
        self._site = site
        self.services: tuple[Service, ...] = tuple(ClusterNode(site, number) for number in range(1, SIZE + 1))

    def environment(self) -> dict[str, str]:
        """PERFCTL_CLUSTER_NODES; the password is REDIS_PASSWORD."""
        return {"PERFCTL_CLUSTER_NODES": ",".join(self._addresses())}

    def contexts(self) -> dict[str, dict[str, Any]]:
        """A context of its own, which extends the sandbox's."""
        return {"-cluster": {"cache": {"cluster_enabled": True, "cluster_nodes": self._addresses()}}}

    def _addresses(self) -> list[str]:
        return [f"{HOST}:{self._site.ports[service.ports[0]]}" for service in self.services]


class ClusterNode(Valkey):
    """One node: the first three own the slots, the others replicate them."""

    def __init__(self, site: Site, number: int) -> None:
        super().__init__(site, node_name(number))
        self.ports = (self.name, _bus(number))

    def prepare(self) -> None:
        """Write its configuration, and once what it knows of the others: greeting each other takes them 6 s."""
        super().prepare()
        known = self.folder / "nodes.conf"
        if not known.is_file():
            write_private(known, nodes_file(self._site, self.name))

    def probe(self) -> None:
        """All slots are served, all nodes known, and a replica has its primary's data."""
        state = self.ask("CLUSTER INFO")
        for wanted in ("cluster_state:ok", f"cluster_known_nodes:{SIZE}"):
            if wanted not in state:
                raise NotReadyError(f"CLUSTER INFO does not say {wanted}")
        replication = self.ask("INFO replication")
        if "role:slave" in replication and "master_link_status:up" not in replication:
            raise NotReadyError("the replica has no link to its primary")

    def lines(self) -> list[str]:
        """The configuration of a node; two seconds without an answer make a primary fail."""
        return [
            *super().lines(),
            "cluster-enabled yes",
            "cluster-config-file nodes.conf",
            "cluster-node-timeout 2000",
            f"cluster-port {self._site.ports[self.ports[1]]}",
        ]


def node_name(number: int) -> str:
    """`cluster-1`."""
    return f"cluster-{number}"


def nodes_file(site: Site, myself: str) -> str:
    """What a node would have written after the cluster was created (nodes.conf): every node, with its slots."""
    lines = [_node_line(site, number, myself) for number in range(1, SIZE + 1)]
    return "".join(f"{line}\n" for line in (*lines, f"vars currentEpoch {PRIMARIES} lastVoteEpoch 0"))


def _node_line(site: Site, number: int, myself: str) -> str:
    name = node_name(number)
    primary = (number - 1) % PRIMARIES
    is_primary = number <= PRIMARIES
    flags = ("myself," if name == myself else "") + ("master" if is_primary else "slave")
    leader = "-" if is_primary else _identity(site, node_name(primary + 1))
    address = f"{HOST}:{site.ports[name]}@{site.ports[_bus(number)]}"
    slots = f" {_SLOTS * primary // PRIMARIES}-{_SLOTS * (primary + 1) // PRIMARIES - 1}" if is_primary else ""
    return f"{_identity(site, name)} {address} {flags} {leader} 0 0 {primary + 1} connected{slots}"


def _bus(number: int) -> str:
    return f"{node_name(number)}-bus"


def _identity(site: Site, name: str) -> str:
    return hashlib.sha256(f"{site.token}:{name}".encode()).hexdigest()[:40]
