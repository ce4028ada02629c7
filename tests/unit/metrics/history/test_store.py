"""The file of a history: shared by many processes, outlived by none of its frames, never thrown away."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from perfctl.errors import ConfigError, PerfctlError, ServiceError
from perfctl.metrics.history import History, history_file, store
from perfctl.metrics.history.levels import DAY
from tests.unit.metrics.history.made import HITS, NOW, frame

_APPENDS_FOR_EVER = """
import sys, time
from pathlib import Path
from perfctl.metrics.history import History
from tests.unit.metrics.history.made import frame
history = History(Path(sys.argv[1]))
number = 0
while True:
    history.append(frame(time.time() - 3600 + number, hits=1), source="killed")
    number += 1
    print(number, flush=True)
    if number % 50 == 0:
        history.fold()
"""


def hits(history: History) -> float:
    return history.window(0, NOW * 2).counters.get(HITS, 0.0)


def test_processes_that_make_the_file_at_once_and_append_and_fold_lose_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "new" / "h.sqlite"

    def work(number: int) -> None:
        history = History(path, clock=lambda: NOW)
        for turn in range(40):
            history.append(frame(NOW - turn * 300, hits=1), source=f"p{number}")
            if turn % 10 == number:
                history.fold()
        history.close()

    in_children(4, work)
    history = History(path, clock=lambda: NOW)
    history.fold()
    totals = history.totals()
    assert hits(history) == 160
    assert totals is not None
    assert totals.counters[HITS] == 160


def test_threads_share_one_history(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite", clock=lambda: NOW)

    def work() -> None:
        for turn in range(20):
            history.append(frame(NOW - turn, hits=1), source="one")
            history.window(0, NOW)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hits(history) == 80


def test_a_history_that_was_open_works_on_in_a_forked_child(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    history.append(frame(NOW, hits=1), source="parent")
    in_children(2, lambda number: history.append(frame(NOW, hits=1), source=f"child {number}"))
    history.append(frame(NOW, hits=1), source="parent")
    assert hits(history) == 4


def test_what_was_appended_outlives_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    command = [sys.executable, "-c", _APPENDS_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(120)]
        process.send_signal(signal.SIGKILL)
        rest = [int(line) for line in process.stdout.read().split()]
    appended = [*told, *rest][-1]
    assert hits(History(path)) in (appended, appended + 1)


@pytest.mark.parametrize("content", [b"not a database, and longer than a header of one" * 40, b"SQLite format 3\x00"])
def test_a_file_that_is_no_history_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "h.sqlite"
    path.write_bytes(content)
    for use in uses(History(path)):
        with pytest.raises(ServiceError, match=r"is damaged: file is not a database"):
            use()
    assert path.read_bytes() == content


def test_damaged_pages_are_told_and_nothing_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    history = History(path, clock=lambda: NOW)
    for turn in range(300):
        history.append(frame(NOW - turn, hits=1, values=[0.1 * turn]), source="p")
    history.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    for use in uses(History(path, clock=lambda: NOW)):
        with pytest.raises(ServiceError, match=r"is damaged"):
            use()
    assert path.stat().st_size == len(content)


def test_a_frame_that_does_not_read_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    history = History(path, clock=lambda: NOW)
    history.append(frame(NOW, hits=1), source="p")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE frames SET body = x'31ff'")
    connection.close()
    with pytest.raises(ServiceError, match=r"is damaged: not a frame"):
        history.window(0, NOW + 1)
    with pytest.raises(ServiceError, match=r"is damaged: not a frame"):
        list(history.frames(0, NOW + 1))
    later = History(path, clock=lambda: NOW + DAY)
    with pytest.raises(ServiceError, match=r"is damaged: not a frame"):
        later.fold()


def test_what_was_appended_is_not_refused_because_older_frames_cannot_be_folded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "h.sqlite"
    History(path, clock=lambda: NOW).append(frame(NOW, hits=1), source="p")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE frames SET body = x'31ff'")
    connection.close()
    history = History(path, clock=lambda: NOW + DAY)
    history.append(frame(NOW + DAY, hits=2), source="p")
    assert "is damaged: not a frame" in caplog.text
    assert history.latest() == frame(NOW + DAY, hits=2)


def test_a_newer_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {store.VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    for use in uses(History(path)):
        with pytest.raises(ServiceError, match=r"has version 2, and this perfctl reads version 1"):
            use()
    assert path.read_bytes() == before


def test_a_database_of_another_kind_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = path.read_bytes()
    for use in uses(History(path)):
        with pytest.raises(ServiceError, match=r"has version 0, and this perfctl reads version 1"):
            use()
    assert path.read_bytes() == before


def test_a_file_that_is_just_being_made_reads_as_an_empty_history(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    path.touch()
    history = History(path)
    assert history.latest() is None
    history.append(frame(NOW, hits=1), source="p")
    assert history.latest() == frame(NOW, hits=1)


def test_a_history_that_cannot_be_written_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        History(tmp_path / "file" / "h.sqlite").append(frame(NOW), source="p")
    assert caught.value.where == "metrics.history_file"


def test_a_history_on_a_network_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "share_of", lambda path: "nfs4 at /srv")
    with pytest.raises(ConfigError, match=r"it lies on a network share \(nfs4 at /srv\)"):
        History(tmp_path / "h.sqlite").append(frame(NOW), source="p")
    assert not (tmp_path / "h.sqlite").exists()


def test_a_new_history_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    History(path).append(frame(NOW), source="p")
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_size_is_told_with_what_is_kept_at_each_resolution(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite", clock=lambda: NOW)
    for at in (NOW - 3 * DAY, NOW - DAY, NOW - 600, NOW):
        history.append(frame(at, hits=1), source="p")
        history.fold()
    status = history.status()
    assert [(each.seconds, each.frames) for each in status.resolutions] == [(0, 1), (10, 1), (60, 1), (600, 1)]
    assert status.size_bytes >= sum(each.bytes for each in status.resolutions) > 0
    assert (status.oldest, status.newest, status.sources) == (NOW - 3 * DAY - 600, NOW, ("p",))


def test_each_context_has_a_history_of_its_own() -> None:
    environ = {"PERFCTL_STATE_DIR": "/state"}
    assert history_file("prod", environ) == Path("/state/metrics/prod.sqlite")
    assert history_file("a/b", environ) == Path("/state/metrics/a%2Fb.sqlite")


def uses(history: History) -> list[Callable[[], object]]:
    return [
        lambda: history.append(frame(NOW), source="p"),
        lambda: history.window(0, NOW + 1),
        lambda: list(history.frames(0, NOW + 1)),
        history.fold,
        history.prune,
        history.latest,
        history.status,
    ]


def in_children(count: int, work: Callable[[int], None]) -> None:
    """Forked: what the parent has open is inherited."""
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work(number)
                status = 0
            except PerfctlError as error:
                os.write(2, f"{error.message}\n".encode())
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * count
