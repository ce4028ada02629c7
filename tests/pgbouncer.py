"""Debian's PgBouncer in transaction mode before a server of a test."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from perfctl.sandbox.place import as_user, give, server_uid
from tests.postgres_server import SUPERUSER, PostgresServer, is_listening
from tests.redis_server import free_port


@contextmanager
def pgbouncer(server: PostgresServer, *, servers: int = 4) -> Iterator[int]:
    """Its port. A test that needs it is skipped loudly where it is not installed."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("SKIPPED LOUDLY: pgbouncer is not installed, so nothing was tested behind one: apt-get install it")
    port = free_port()
    place = server.folder / f"pgbouncer-{port}"
    place.mkdir()
    (place / "users.txt").write_text(f'"{SUPERUSER}" ""\n')
    (place / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {place}/users.txt\npool_mode = transaction\n"
        f"default_pool_size = {servers}\nmax_client_conn = 200\n"
        f"ignore_startup_parameters = extra_float_digits\nlogfile = {place}/log\npidfile = {place}/pid\n"
    )
    place.chmod(0o755)
    give(place, server_uid())
    process = subprocess.Popen(
        [program, str(place / "pgbouncer.ini")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **as_user(server_uid()),
    )
    try:
        for _ in range(200):
            if is_listening(port):
                break
            assert process.poll() is None, (place / "log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)
