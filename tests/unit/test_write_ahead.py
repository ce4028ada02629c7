"""Files that several processes begin at the same moment: none of them is refused because another one was quicker."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from perfctl.cdn.queue.store import Store as Queue
from perfctl.db.statements.history.store import opened
from perfctl.metrics.alerts.store import Store as Alerts
from perfctl.metrics.history.store import Store as History
from perfctl.write_ahead import switch_to_wal


def _history(path: Path) -> None:
    with History(path).writing():
        pass


def _alerts(path: Path) -> None:
    with Alerts(path).writing():
        pass


def _queue(path: Path) -> None:
    with Queue(path).writing():
        pass


def _statements(path: Path) -> None:
    with opened(path, to_write=True):
        pass


@pytest.mark.parametrize("begin", [_history, _alerts, _queue, _statements])
def test_a_new_file_that_another_process_holds_for_a_moment_is_waited_for(
    begin: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "new.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    letting_go = threading.Timer(0.3, other.execute, ("COMMIT",))
    letting_go.start()
    try:
        begin(path)
    finally:
        letting_go.join()
        other.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_what_is_held_for_longer_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    mine = sqlite3.connect(tmp_path / "new.sqlite", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        switch_to_wal(mine, at_most_seconds=0.1)
    mine.close()
    other.close()
