"""The file of a history: made, read, refused, and left as it was when something goes wrong."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perfctl.db.statements.history.latest import Kept, load, numbers, save
from perfctl.db.statements.history.store import VERSION, history_file, opened, transaction, translated
from perfctl.db.statements.history.window import listed, pruned, slow_since
from perfctl.db.statements.order import Wanted
from perfctl.db.statements.reading import Counted, Counters, Key
from perfctl.errors import ConfigError, LockedError, ServiceError, UsageError

COUNTED = Counted(Counters(2, 3, 1.5, 1.25, 0.0, 5, 6, 7, 8, 9, 0.25, 2**53, 0.5), 0.5, None, None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history" / "prod.sqlite"


def test_each_context_has_a_file_of_its_own_whatever_its_name() -> None:
    environ = {"PERFCTL_STATE_DIR": "/state"}
    assert history_file("prod", environ) == Path("/state/history/prod.sqlite")
    assert history_file("../../etc/x y", environ) == Path("/state/history/..%2F..%2Fetc%2Fx%20y.sqlite")


def test_the_file_is_for_its_owner_alone_and_lets_readers_in_while_one_writes(file: Path) -> None:
    with opened(file, to_write=True) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        with transaction(connection), opened(file, to_write=False) as reader:
            assert reader.execute("SELECT count(*) FROM snapshots").fetchone() == (0,)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_reading_comes_back_as_it_was_kept(file: Path) -> None:
    keys = Key(1, 2, True, -(2**63)), Key(1, 2, None, 2**63 - 1), Key(1, 2, False, 0)
    kept = {key: Kept(number, number == 2) for number, key in enumerate(keys, start=1)}
    with opened(file, to_write=True) as connection:
        save(connection, "db:5432", dict.fromkeys(keys, COUNTED), kept)
        latest = load(connection, "db:5432")
        assert (latest.statements, latest.kept) == (dict.fromkeys(keys, COUNTED), kept)
        assert load(connection, "other:5432").statements == {}
        assert numbers(connection) == {1, 2, 3}


def test_a_transaction_that_fails_leaves_nothing(file: Path) -> None:
    with opened(file, to_write=True) as connection:
        with pytest.raises(sqlite3.IntegrityError), transaction(connection):
            connection.executemany("INSERT INTO latest VALUES ('db:5432', x'', x'')", [(), ()])
        assert connection.execute("SELECT count(*) FROM latest").fetchone() == (0,)


def test_without_a_history_it_is_said_how_to_begin_one(file: Path) -> None:
    with pytest.raises(UsageError, match="no history yet") as caught:
        slow_since(file, Wanted(), since=0.0)
    assert "perfctl db history record" in str(caught.value.hint)
    assert (listed(file, limit=None).total, pruned(file, before=0.0).removed) == (0, 0)
    assert not file.exists()


def test_one_recording_says_nothing_yet(file: Path) -> None:
    with opened(file, to_write=True) as connection:
        connection.execute(
            "INSERT INTO snapshots VALUES (1, 0, NULL, ?, ?, NULL, 0, 'db:5432', 'd', 1, 0, 0, 0.0, NULL, '')",
            [datetime(2026, 1, 1, tzinfo=UTC).isoformat()] * 2,
        )
    with pytest.raises(UsageError, match="holds one recording"):
        slow_since(file, Wanted(), since=0.0)
    assert listed(file, limit=None).total == 1


def test_a_damaged_file_is_told_from_a_full_disk(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database at all, whatever its name says" * 100)
    with pytest.raises(ServiceError, match="is damaged") as caught, opened(file, to_write=True):
        pass
    assert "move the file away" in str(caught.value.hint)


def test_a_full_disk_leaves_the_history_as_it_was(file: Path) -> None:
    with opened(file, to_write=True) as connection:
        save(connection, "before:5432", {}, {})
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")  # what a full disk is to SQLite
        with pytest.raises(ServiceError, match="the disk is full") as caught, translated(file), transaction(connection):
            connection.execute("INSERT INTO latest VALUES ('after', zeroblob(10000000), x'')")
    assert "db history prune" in str(caught.value.hint)
    with opened(file, to_write=False) as connection:
        assert connection.execute("SELECT server FROM latest").fetchall() == [("before:5432",)]


def test_a_folder_that_cannot_be_made_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))
    with pytest.raises(ConfigError) as caught, opened(history_file("prod"), to_write=True):
        pass
    assert caught.value.where == "env PERFCTL_STATE_DIR"
    assert caught.value.exit_code == 3


def test_a_file_that_may_not_be_written_is_told(file: Path) -> None:
    with opened(file, to_write=True):
        pass
    with opened(file, to_write=False) as connection, pytest.raises(ConfigError, match="readonly"), translated(file):
        connection.execute("DELETE FROM snapshots")


def test_a_newer_version_is_left_alone(file: Path) -> None:
    with opened(file, to_write=True) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    for to_write in (True, False):
        with pytest.raises(ServiceError, match=f"has version {VERSION + 1}"), opened(file, to_write=to_write):
            pass


def test_a_recorder_that_holds_the_file_for_long_is_waited_for_and_then_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfctl.db.statements.history.store.BUSY_SECONDS", 0.05)
    with (
        opened(file, to_write=True) as one,
        opened(file, to_write=True) as two,
        transaction(one),
        pytest.raises(LockedError, match="is held by another run"),
        translated(file),
        transaction(two),
    ):
        pass


def test_a_recorder_that_is_killed_in_the_middle_leaves_the_history_as_it_was(file: Path) -> None:
    killed = (
        "import os, signal, sys; from pathlib import Path\n"
        "from perfctl.db.statements.history.store import opened, transaction\n"
        "from perfctl.db.statements.history.latest import save\n"
        "with opened(Path(sys.argv[1]), to_write=True) as connection:\n"
        "    save(connection, 'whole', {}, {})\n"
        "    with transaction(connection):\n"
        "        save(connection, 'half', {}, {})\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(file)], check=False, timeout=60)
    assert done.returncode == -9
    with opened(file, to_write=True) as connection:
        assert connection.execute("SELECT server FROM latest").fetchall() == [("whole",)]
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
