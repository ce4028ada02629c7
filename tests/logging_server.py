"""Logs that a real server wrote, in all three formats, of a workload with every protocol and many shapes."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer, postgres_server

PREFIX = "%m [%p] %q%u@%d %a "
ENDINGS = ("csv", "json", "log")
SETTINGS = {
    "logging_collector": "on",
    "log_destination": "'csvlog,jsonlog,stderr'",
    "log_filename": "'postgresql.log'",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_min_duration_statement": "0",
    "log_line_prefix": f"'{PREFIX}'",
    "log_temp_files": "0",
    "log_lock_waits": "on",
    "deadlock_timeout": "'50ms'",
    "log_connections": "on",
    "log_disconnections": "on",
    "work_mem": "'64kB'",
}
# Three clients' work. No comment to the end of a line and no comma within a bound value: pgBadger 12 joins lines of a
# csvlog before it looks for such comments, and takes values apart at commas, so that its shapes of those are not ours.
WORK = {
    "simple": r"""
        \set id random(1, 2000)
        \set many random(1, 100000)
        BEGIN;
        SELECT id, name, price FROM items WHERE id = :id;
        UPDATE items SET price = price + 1.5, note = 'it''s :many' WHERE id = :id;
        INSERT INTO orders (item_id, quantity, placed, remark) VALUES (:id, :many, now(), 'number :many, quickly');
        COMMIT;
    """,
    "prepared": r"""
        \set id random(1, 2000)
        SELECT o.id, o.quantity FROM orders AS o WHERE o.item_id = :id ORDER BY o.placed DESC LIMIT 5;
        SELECT count(*), sum(quantity) FROM orders WHERE item_id IN (:id, 3, 4);
        DELETE FROM orders WHERE item_id = :id AND quantity < 7;
    """,
    "extended": r"""
        \set id random(1, 1900)
        SELECT i.name,
               count(*) AS "Orders",
               sum(o.quantity) AS quantity
          FROM items AS i
          JOIN orders AS o ON o.item_id = i.id
         WHERE i.id BETWEEN :id AND :id + 20
           AND i.name LIKE 'item%'
         GROUP BY i.name
         ORDER BY 3 DESC;
        /* report, it's slow */ SELECT name, repeat(note, 3) FROM items WHERE id < :id ORDER BY note DESC, name LIMIT 3;
    """,
}
_TABLES = (
    "CREATE TABLE items (id int PRIMARY KEY, name text, price numeric, note text)",
    "INSERT INTO items SELECT g, 'item ' || g, g, repeat('x', 40) FROM generate_series(1, 2000) AS g",
    "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item_id int, quantity int, "
    "placed timestamptz, remark text)",
    "CREATE INDEX ON orders (item_id, placed)",
)
_TIME = re.compile(rb"\b(20\d\d-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d{3})? UTC")


@contextmanager
def logging_server(
    folder: Path, version: int = 15, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """A server that logs every statement in all formats it knows, with the workload's tables in it."""
    with postgres_server(folder, version, {**SETTINGS, **(settings or {})}) as server:
        server.sql(*_TABLES)
        yield server


def work(server: PostgresServer, transactions: int) -> None:
    """Each kind of client's work, so many times, two clients each, at the same time."""
    bench = Path("/usr/lib/postgresql/15/bin/pgbench")
    if not bench.is_file():
        pytest.skip("SKIPPED LOUDLY: pgbench is not installed, so no log was written: apt-get install postgresql-15")
    running = []
    for mode, text in WORK.items():
        script = server.folder / f"{mode}.sql"
        script.write_text(re.sub(r"\n {8}", "\n", text), encoding="utf-8")
        words = [bench, "-n", "-h", "127.0.0.1", "-p", server.port, "-U", "postgres", "-c", 2, "-M", mode]
        command = [*map(str, [*words, "-t", transactions, "-f", script, "postgres"])]
        environ = {**os.environ, "PGAPPNAME": f"shop {mode}"}
        running.append(subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
    for process in running:
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said.decode()


def logs_of(server: PostgresServer) -> dict[str, Path]:
    """The server's logs by ending."""
    return {ending: server.data / "log" / f"postgresql.{ending}" for ending in ENDINGS}


def wait_for_collector(server: PostgresServer) -> None:
    """Until every log tells that the server was shut down: its collector may write on after the server is gone."""
    last = b"database system is shut down"
    for _ in range(600):
        if all(path.is_file() and last in path.read_bytes() for path in logs_of(server).values()):
            return
        time.sleep(0.05)
    raise AssertionError("the collector of the server that was shut down did not write its last lines")


def repeated(log: Path, to: Path, size_bytes: int) -> None:
    """Write the log over and over until it is so big, each time an hour later: what a day of this load would be."""
    content = log.read_bytes()
    with to.open("wb") as file:
        for hours in range(1_000_000):
            file.write(_TIME.sub(partial(_later, hours=hours), content))
            if file.tell() >= size_bytes:
                return


def _later(match: re.Match[bytes], *, hours: int) -> bytes:
    at = datetime.fromisoformat(match[1].decode()) + timedelta(hours=hours)
    return f"{at:%Y-%m-%d %H:%M:%S}".encode() + (match[2] or b"") + b" UTC"
