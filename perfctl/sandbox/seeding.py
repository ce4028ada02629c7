"""Fills a data folder with the seed and the traces of its load, on a server that nobody else knows."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfctl.errors import UnreachableError
from perfctl.sandbox.pgdata import DATABASE, OWNER, ServerData, set_password
from perfctl.sandbox.pginstall import PostgresInstall
from perfctl.sandbox.place import server_uid
from perfctl.sandbox.ports import HOST, settle
from perfctl.sandbox.process import end, identify
from perfctl.sandbox.service import Command
from perfctl.sandbox.supervisor import READY_SECONDS, spawn, tail

_STOP_SECONDS = 60.0

_BULK = ("wal_level = minimal", "max_wal_senders = 0", "max_wal_size = 2GB", "autovacuum = off")
"""Nobody replicates it, and nobody waits for it."""


def seed_folder(install: PostgresInstall, folder: Path, *, mark: str, log: Path) -> None:
    """Start a server on the folder, seed it, run the load, stop it so that its statistics are kept, shrink its log."""
    password, port = secrets.token_urlsafe(24), settle({}, ["seed"])["seed"]
    set_password(install, folder, password)
    ServerData(folder).configure(port, *_BULK)
    with _serving(install, folder, mark=mark, log=log):
        asyncio.run(seed(port=port, password=password, with_load=True))
    ServerData(folder).configure(port)
    install.run("pg_resetwal", "-D", str(folder))


async def seed(*, port: int, password: str, with_load: bool) -> None:
    """Seed the empty database of a server of ours."""
    from perfctl.sandbox.seed import run_load, seed_data

    await seed_data(host=HOST, port=port, user=OWNER, password=password, database=DATABASE)
    if with_load:
        await run_load(host=HOST, port=port, user=OWNER, password=password, database=DATABASE)


@contextmanager
def _serving(install: PostgresInstall, folder: Path, *, mark: str, log: Path) -> Iterator[None]:
    argv = (str(install.bin / "postgres"), "-D", str(folder), "-c", f"cluster_name={mark}")
    child = spawn(Command(argv, cwd=folder.parent, environ=install.environ, uid=server_uid()), log)
    process = identify(child.pid)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not ServerData(folder).takes_connections(child.pid):
            if child.poll() is not None or time.monotonic() > deadline:
                said = " ".join(tail(log, 3))
                raise UnreachableError(f"the server to be seeded did not come up: {said}", hint=f"the log is {log}")
            time.sleep(0.02)
        yield
    finally:
        if process is not None:
            end({process: signal.SIGINT}, grace_seconds=_STOP_SECONDS)
