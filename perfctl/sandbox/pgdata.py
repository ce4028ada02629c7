"""A PostgreSQL data folder: made by initdb, seeded, kept as a template, configured for its sandbox."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from perfctl.sandbox.pginstall import PostgresInstall
from perfctl.sandbox.place import give, server_uid
from perfctl.sandbox.ports import HOST

DATABASE = "trading"
_STATUS_LINE = 8
"""Of postmaster.pid, whose first line is the postmaster's pid: starting, stopping, ready or standby."""

OWNER = "perfctl"
"""A superuser, which owns the database."""

CONFIGURATION = """\
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
fsync = off                                 # a kill costs nothing committed; a power failure may cost it all
full_page_writes = off
wal_level = replica
min_wal_size = 32MB
max_wal_size = 512MB
log_line_prefix = '%m [%p] %a '
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
"""

ACCESS = """\
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
        text = CONFIGURATION.format(host=HOST, port=port) + "".join(f"{line}\n" for line in extra)
        _write(self.folder / "postgresql.conf", text)
        _write(self.folder / "pg_hba.conf", ACCESS)

    def takes_connections(self, pid: int) -> bool:
        """Whether that postmaster says that it is ready: it listens before, while it still refuses (57P03)."""
        try:
            lines = (self.folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE - 1].strip() == "ready"


def set_password(install: PostgresInstall, data: Path, password: str) -> None:
    """Give the owner this password; the server is not running, and never sees the password itself."""
    single_user(install, data, f"ALTER ROLE {OWNER} PASSWORD '{scram_verifier(password)}'")


def scram_verifier(password: str, *, iterations: int = 4096) -> str:
    """What PostgreSQL stores of a password (RFC 5802, RFC 7677), so that the password itself never reaches a log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def single_user(install: PostgresInstall, data: Path, *statements: str, database: str = "postgres") -> None:
    """Run statements without a server that anybody could connect to."""
    settings = ("shared_preload_libraries=", "log_checkpoints=off", "exit_on_error=on")
    options = [word for setting in settings for word in ("-c", setting)]
    stdin = "".join(f"{statement}\n" for statement in statements)
    install.run("postgres", "--single", "-F", "-D", str(data), *options, database, stdin=stdin)


def initialise(install: PostgresInstall, folder: Path) -> None:
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


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    give(path, server_uid())
