"""A PostgreSQL data folder: made by initdb, seeded, kept as a template, configured for its sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perfctl.sandbox.pginstall import PostgresInstall
from perfctl.sandbox.place import Place, give, server_uid
from perfctl.sandbox.ports import HOST
from perfctl.sandbox.template import Template, copy_tree

DATABASE = "trading"
OWNER = "perfctl"
"""A superuser, which owns the database."""

_CONFIGURATION = """\
# Written by `perfctl sandbox up`; changes are lost at the next start.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 128MB
maintenance_work_mem = 64MB
dynamic_shared_memory_type = mmap           # /dev/shm is 64 MB in many containers, and keeps what a crash leaves
shared_preload_libraries = 'pg_stat_statements,auto_explain'
pg_stat_statements.track = top
track_io_timing = on
auto_explain.log_min_duration = '1s'
auto_explain.log_analyze = off
fsync = off                                 # throw-away data: a power failure may cost it
synchronous_commit = off
full_page_writes = off
wal_level = replica
min_wal_size = 32MB
max_wal_size = 512MB
log_line_prefix = '%m [%p] %a '
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
"""

_ACCESS = """\
# Written by `perfctl sandbox up`: nobody is let in without a password.
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class ServerData:
    """A data folder."""

    folder: Path

    def configure(self, port: int, *extra: str) -> None:
        """Write all of its configuration."""
        text = _CONFIGURATION.format(host=HOST, port=port) + "".join(f"{line}\n" for line in extra)
        _write(self.folder / "postgresql.conf", text)
        _write(self.folder / "pg_hba.conf", _ACCESS)


def data_template(cache: Path, install: PostgresInstall, *, seeded: bool) -> Template:
    """The template for a server of this version: empty, or with the seed."""
    kind = "postgres-seeded" if seeded else "postgres-empty"

    def build(target: Path) -> None:
        _build_outside(cache, kind, target, lambda folder: _initialise(install, folder))

    return Template(cache, kind=kind, key=f"{install.version}-{_digest()}", build=build)


def single_user(install: PostgresInstall, data: Path, *statements: str, database: str = "postgres") -> None:
    """Run statements without a server that anybody could connect to."""
    settings = ("shared_preload_libraries=", "log_checkpoints=off", "exit_on_error=on")
    options = [word for setting in settings for word in ("-c", setting)]
    stdin = "".join(f"{statement}\n" for statement in statements)
    install.run("postgres", "--single", "-F", "-D", str(data), *options, database, stdin=stdin)


def _build_outside(cache: Path, kind: str, target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder where the server's user can work, then copy it into the cache, which may be closed to that one."""
    workshop = Place(cache / f"{kind}.building", f"{kind}-{hashlib.sha256(str(cache).encode()).hexdigest()[:8]}")
    workshop.remove()
    try:
        folder = workshop.make() / "data"
        fill(folder)
        copy_tree(folder, target, uid=None)
    finally:
        workshop.remove()


def _initialise(install: PostgresInstall, folder: Path) -> None:
    """initdb, the database and its extension."""
    folder.mkdir(mode=0o700)
    give(folder, server_uid())
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if install.major >= 17 else ()
    install.run(
        "initdb", "-D", str(folder), "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", *locale,
        "--no-sync", "--no-instructions", "--wal-segsize=4",
    )  # fmt: skip
    ServerData(folder).configure(port=1)
    single_user(install, folder, f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    single_user(install, folder, "CREATE EXTENSION pg_stat_statements", database=DATABASE)


def _digest() -> str:
    return hashlib.sha256((_CONFIGURATION + _ACCESS + DATABASE + OWNER).encode()).hexdigest()[:12]


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    give(path, server_uid())
