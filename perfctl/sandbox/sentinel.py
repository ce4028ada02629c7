"""A primary, two replicas and three sentinels that watch them, born knowing each other."""

from __future__ import annotations

import hashlib
from typing import Any

from perfctl.sandbox.ports import HOST
from perfctl.sandbox.service import NotReadyError, Service
from perfctl.sandbox.site import Site
from perfctl.sandbox.state import write_private
from perfctl.sandbox.valkey import Valkey

SERVICE = "mymaster"
PRIMARY = "watched-1"
REPLICAS = ("watched-2", "watched-3")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")


class SentinelPart:
    """Three servers and three sentinels."""

    name = "sentinel"

    def __init__(self, site: Site) -> None:
        self._site = site
        replicas = (SentinelReplica(site, name) for name in REPLICAS)
        sentinels = (Sentinel(site, name) for name in SENTINELS)
        self.services: tuple[Service, ...] = (Valkey(site, PRIMARY), *replicas, *sentinels)

    def environment(self) -> dict[str, str]:
        """PERFCTL_SENTINEL_NODES and PERFCTL_SENTINEL_SERVICE; the password of all is REDIS_PASSWORD."""
        return {"PERFCTL_SENTINEL_NODES": ",".join(self._addresses()), "PERFCTL_SENTINEL_SERVICE": SERVICE}

    def contexts(self) -> dict[str, dict[str, Any]]:
        """A context of its own, which extends the sandbox's."""
        section = {"sentinel_enabled": True, "sentinel_nodes": self._addresses(), "sentinel_service": SERVICE}
        return {"-sentinel": {"cache": section}}

    def _addresses(self) -> list[str]:
        return [f"{HOST}:{self._site.ports[name]}" for name in SENTINELS]


class SentinelReplica(Valkey):
    """A replica of the primary, as long as the sentinels leave it so."""

    def probe(self) -> None:
        """It answers, and has its primary's data or is the primary itself."""
        super().probe()
        replication = self.ask("INFO replication")
        if "role:slave" in replication and "master_link_status:up" not in replication:
            raise NotReadyError("the replica has no link to its primary")

    def lines(self) -> list[str]:
        """A server that replicates."""
        return [*super().lines(), f"replicaof {HOST} {self._site.ports[PRIMARY]}"]


class Sentinel(Valkey):
    """Watches the primary, and has the sentinels choose another when it fails."""

    def prepare(self) -> None:
        """Write its configuration once: it keeps there what it learns. Anew when an address changed."""
        born_with = self.folder / "born-with.conf"
        text = "\n".join(self.lines()) + "\n"
        if not born_with.is_file() or born_with.read_text(encoding="utf-8") != text:
            super().prepare()
            write_private(born_with, text)

    def probe(self) -> None:
        """A majority of sentinels agrees that it could replace the primary."""
        answer = self.ask(f"SENTINEL CKQUORUM {SERVICE}")
        if not answer.startswith("+OK"):
            raise NotReadyError(answer)

    def modes(self) -> tuple[str, ...]:
        """The sentinel inside the server's program."""
        return ("--sentinel",)

    def lines(self) -> list[str]:
        """Its configuration, with the others as it would have found them within 2 s."""
        site, password = self._site, self._site.secret("valkey")
        primary = f"{HOST} {site.ports[PRIMARY]}"
        replicas = (f"sentinel known-replica {SERVICE} {HOST} {site.ports[name]}" for name in REPLICAS)
        others = (name for name in SENTINELS if name != self.name)
        return [
            f"bind {HOST}",
            f"port {self.port}",
            f'dir "{self.folder}"',
            f"requirepass {password}",
            f"sentinel sentinel-pass {password}",
            f"sentinel myid {_identity(site, self.name)}",
            f"sentinel monitor {SERVICE} {primary} 2",
            f"sentinel auth-pass {SERVICE} {password}",
            f"sentinel down-after-milliseconds {SERVICE} 1500",
            f"sentinel failover-timeout {SERVICE} 10000",
            *replicas,
            *(
                f"sentinel known-sentinel {SERVICE} {HOST} {site.ports[name]} {_identity(site, name)}"
                for name in others
            ),
        ]


def _identity(site: Site, name: str) -> str:
    return hashlib.sha256(f"{site.token}:{name}".encode()).hexdigest()[:40]
