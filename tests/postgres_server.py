"""A PostgreSQL of one test alone, of the version that it names, which it may break, restart and ask anything."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from perfctl.config import DatabaseConfig
from perfctl.sandbox.pgdata import ServerData
from perfctl.sandbox.pginstall import PostgresInstall, find_install
from perfctl.sandbox.place import Place, as_user, give, server_uid
from tests.redis_server import free_port

VERSIONS = (18, 15)
"""The wheel's, and Debian's: that one has SSL and JIT."""

SUPERUSER = "postgres"
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "shared_preload_libraries": "'pg_stat_statements,auto_explain'",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "full_page_writes": "off",
    "track_io_timing": "on",
    "max_wal_size": "512MB",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
}


def install(version: int, place: Path) -> PostgresInstall:
    """The programs of that version; a test that needs one that is not there is skipped loudly."""
    if version == 18:
        return find_install(place)
    found = Path(f"/usr/lib/postgresql/{version}/bin")
    if not (found / "initdb").is_file():
        pytest.skip(
            f"SKIPPED LOUDLY: postgresql-{version} is not installed, so PostgreSQL {version} was not tested: "
            f"apt-get install postgresql-{version}"
        )
    return PostgresInstall(found)


class PostgresServer:
    """A server on a port of its own, with its superuser `postgres` trusted. End it with `stop` or `kill`."""

    def __init__(self, folder: Path, version: int = 18, settings: Mapping[str, str] | None = None) -> None:
        self.version = version
        self.port = free_port()
        # pytest closes its folder to others whenever another run of it begins.
        self._place = Place(folder / f"pg{version}-{self.port}", f"test{os.getpid()}x{self.port}")
        self.folder = self._place.make() / "server"
        self.folder.mkdir()
        self.data, self.log = self.folder / "data", self.folder / "log"
        self.install = install(version, self.folder.parent)
        give(self.folder, server_uid())
        self.populate()
        self.configure({"port": str(self.port), **_SETTINGS, **(settings or {})})
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def populate(self) -> None:
        """Make its data."""
        self.install.run(
            "initdb", "-D", str(self.data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
            "--no-instructions",
        )  # fmt: skip

    def configure(self, settings: Mapping[str, str], *, hba: str | None = None) -> None:
        """Add settings as postgresql.conf writes them, and replace pg_hba.conf; they hold from the next start on."""
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        if hba is not None:
            (self.data / "pg_hba.conf").write_text(hba, encoding="utf-8")

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.install.bin / "postgres", "-D", self.data],
                stdout=log,
                stderr=log,
                cwd="/",
                env=self.install.environ,
                **as_user(server_uid()),
            )
        for _ in range(600):
            if self.process.poll() is not None:
                break
            if ServerData(self.data).takes_connections(self.process.pid):
                return
            time.sleep(0.05)
        raise AssertionError(f"PostgreSQL {self.version} does not start: {self.log.read_text()[-2000:]}")

    def stop(self, signal_number: int = signal.SIGINT) -> None:
        """End it: SIGINT is a fast shutdown, SIGQUIT an immediate one."""
        assert self.process is not None
        self.process.send_signal(signal_number)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def remove(self) -> None:
        """Its files are gone, too."""
        self._place.remove()

    def restart(self, signal_number: int = signal.SIGINT) -> None:
        """Down and up again on the same port."""
        self.stop(signal_number)
        self.start()

    def config(self, **fields: object) -> DatabaseConfig:
        """How perfctl reaches it; each field may be replaced."""
        told = {"host": "127.0.0.1", "port": self.port, "database": "postgres", "username": SUPERUSER}
        return DatabaseConfig(**{**told, **fields})  # type: ignore[arg-type]

    @property
    def dsn(self) -> str:
        """The superuser's address."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"

    def sql(self, *statements: str, database: str = "postgres") -> list[list[str]]:
        """Run statements with psql, each by itself; the rows of the last, as texts."""
        out = ""
        for statement in statements:
            out = self.install.run(
                "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER, "-d", database, "-X", "-q", "-A",
                "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", stdin=statement,
            )  # fmt: skip
        return [line.split("\x1f") for line in out.splitlines()]

    def freeze(self) -> None:
        """The postmaster accepts nobody any more, and says nothing."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def postgres_server(
    folder: Path, version: int = 18, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """A server that is gone afterwards, whatever happened to it."""
    server = PostgresServer(folder, version, settings)
    try:
        yield server
    finally:
        with suppress(ProcessLookupError):  # the test ended it itself
            server.thaw()
        server.stop(signal.SIGQUIT)
        server.remove()


def is_listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False
