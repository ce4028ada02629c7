"""A second PostgreSQL that follows the first by streaming replication."""

from __future__ import annotations

from typing import Any

from perfctl.sandbox.pgdata import DATABASE, OWNER, ServerData
from perfctl.sandbox.place import give, server_uid
from perfctl.sandbox.ports import HOST
from perfctl.sandbox.postgres import Postgres
from perfctl.sandbox.service import NotReadyError, Service
from perfctl.sandbox.site import Site

_PRIMARY = "postgres"
_STREAMS = "SELECT pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')"


class ReplicaPart:
    """The replica of the database server."""

    name = "replica"

    def __init__(self, site: Site) -> None:
        self._site = site
        self.services: tuple[Service, ...] = (PostgresReplica(site),)

    def environment(self) -> dict[str, str]:
        """DB_REPLICA_HOST, DB_REPLICA_PORT; the rest is as for the primary."""
        return {"DB_REPLICA_HOST": HOST, "DB_REPLICA_PORT": str(self._port)}

    def contexts(self) -> dict[str, dict[str, Any]]:
        """Its address, beside the primary's, without the password, which is the same."""
        return {"": {"database": {"replica_dsns": [f"postgresql://{OWNER}@{HOST}:{self._port}/{DATABASE}"]}}}

    @property
    def _port(self) -> int:
        return self._site.ports[self.services[0].ports[0]]


class PostgresReplica(Postgres):
    """A standby."""

    after = (_PRIMARY,)

    def __init__(self, site: Site) -> None:
        super().__init__(site, "replica", seeded=False)

    def provide(self) -> None:
        """Nothing: its data come from the primary."""

    def prepare(self) -> None:
        """Copy the primary as it runs, the first time; point it at where the primary is now, every time."""
        self.forget_killed()
        if not self.folder.is_dir():
            self.populate()
        ServerData(self.folder).configure(
            self.port, f"primary_conninfo = '{self._primary()} password={self._password}'"
        )

    def populate(self) -> None:
        """Fill the data folder with pg_basebackup; it appears whole or not at all."""
        self.discard()
        fresh = self.folder.with_name(f"{self.name}.fresh")
        fresh.mkdir(mode=0o700)
        give(fresh, server_uid())
        self.install.run(
            "pg_basebackup", "-d", self._primary(), "-D", str(fresh), "--checkpoint=fast", "--no-sync",
            environ={"PGPASSWORD": self._password},
        )  # fmt: skip
        signal_file = fresh / "standby.signal"
        signal_file.touch(mode=0o600)
        give(signal_file, server_uid())
        fresh.rename(self.folder)

    def probe(self) -> None:
        """It answers, and receives what the primary writes."""
        super().probe()
        if self.query(_STREAMS) != "t":
            raise NotReadyError("it does not stream from the primary")

    @property
    def _password(self) -> str:
        return self._site.secret("postgres")

    def _primary(self) -> str:
        port, mark = self._site.ports[_PRIMARY], self._site.mark_of(self.name)
        return f"host={HOST} port={port} user={OWNER} application_name={mark}"
