"""A PostgreSQL that follows another one of the tests by streaming replication."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres_server import SUPERUSER, PostgresServer

_STREAMS = "SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"


class PostgresReplica(PostgresServer):
    """A standby of `primary`, on a port of its own."""

    def __init__(self, folder: Path, primary: PostgresServer) -> None:
        self._primary = primary
        super().__init__(folder, primary.version)

    def populate(self) -> None:
        """Copy the primary as it runs."""
        self.install.run(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(self._primary.port), "-U", SUPERUSER, "-D", str(self.data),
            "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
        )  # fmt: skip

    def caught_up(self) -> None:
        """Wait until it has replayed what the primary wrote until now."""
        ((position,),) = self._primary.sql("SELECT pg_current_wal_lsn()")
        for _ in range(1200):
            if self.sql(f"SELECT 1 WHERE pg_last_wal_replay_lsn() >= '{position}'") and self.sql(_STREAMS):
                return
            time.sleep(0.05)
        raise AssertionError(f"the replica does not follow: {self.log.read_text()[-2000:]}")


@contextmanager
def replica_of(primary: PostgresServer, folder: Path) -> Iterator[PostgresReplica]:
    """A replica that is gone afterwards."""
    replica = PostgresReplica(folder, primary)
    try:
        replica.caught_up()
        yield replica
    finally:
        replica.thaw()
        replica.stop(signal.SIGQUIT)
        replica.remove()
