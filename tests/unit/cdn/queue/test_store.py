"""The queue's file where something is wrong with it: said in words, with what to do."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from perfctl.cdn.paths import plan
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.cdn.queue.store import Store, translated
from perfctl.errors import ConfigError, LockedError, ServiceError
from perfctl.shares import share_of
from tests.unit.cdn.queue.conftest import OpenQueue

MOUNTS = """\
/dev/sda / ext4 rw 0 0
host:/x /srv nfs4 rw 0 0
tmpfs /srv/local tmpfs rw 0 0
me@h: /home/a\\040b fuse.sshfs rw 0 0
"""


def test_what_was_added_is_there_for_the_next_process_and_for_nobody_else(queue: InvalidationQueue, file: Path) -> None:
    queue.add("E1SHOP", plan(["/a"]))
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT item FROM items").fetchall() == [("/a",)]
    connection.close()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_two_that_are_open_at_once_see_each_other(opened: OpenQueue) -> None:
    one, other = opened(), opened()
    one.add("E1SHOP", plan(["/a"]))
    assert other.add("E1SHOP", plan(["/a"])).repeated == ("/a",)
    assert one.status().items[0].asked == 2


def test_a_damaged_file_is_said_to_be_damaged(queue: InvalidationQueue, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this is no database" * 100)
    for call in (lambda: queue.add("E1SHOP", plan(["/a"])), queue.status):
        with pytest.raises(ServiceError, match="is damaged"):
            call()


def test_a_file_of_another_version_is_left_alone(queue: InvalidationQueue, file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ServiceError, match="has version 99, and this perfctl reads version 1"):
        queue.add("E1SHOP", plan(["/a"]))


def test_a_full_disk_loses_nothing_that_was_there(file: Path) -> None:
    store = Store(file)
    with store.writing() as connection:
        connection.execute("INSERT INTO seen VALUES ('E1', 'I1', 1.0, 'x')")
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")  # what a full disk is to SQLite
    with pytest.raises(ServiceError, match="the disk is full: nothing was written"), store.writing() as connection:
        connection.execute("INSERT INTO seen VALUES ('E1', 'I2', 1.0, ?)", (os.urandom(100_000),))
    with store.reading() as connection:
        assert [row["cf_id"] for row in connection.execute("SELECT cf_id FROM seen")] == ["I1"]
    store.close()


def test_a_place_where_no_file_can_be_is_told_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "queue.sqlite", tmp_path):
        with pytest.raises(ConfigError, match="cannot be used") as caught, Store(path).writing():
            raise AssertionError
        assert caught.value.where == "cdn.queue_file"


@pytest.mark.parametrize(
    ("code", "kind"), [("SQLITE_BUSY", LockedError), ("SQLITE_READONLY", ConfigError), ("SQLITE_IOERR", ServiceError)]
)
def test_errors_of_sqlite_have_words_of_ours(code: str, kind: type[Exception]) -> None:
    error = sqlite3.OperationalError("from sqlite")
    error.sqlite_errorname = code
    with pytest.raises(kind, match=r"queue\.sqlite"), translated(Path("queue.sqlite")):
        raise error


@pytest.mark.parametrize(
    ("path", "share"),
    [
        ("/srv/queue.sqlite", "nfs4 at /srv"),
        ("/srv/local/queue.sqlite", None),
        ("/srvx/queue.sqlite", None),
        ("/home/a b/c/queue.sqlite", "fuse.sshfs at /home/a b"),
    ],
)
def test_a_network_share_is_known_by_its_mount(path: str, share: str | None) -> None:
    assert share_of(Path(path), MOUNTS) == share
