"""Publisher: writes what a process records to the history, where the processes of an application are merged."""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import threading
import weakref
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError
from perfctl.metrics.history.joining import joined

if TYPE_CHECKING:
    from perfctl.metrics.history import History
    from perfctl.recording.frame import Frame
    from perfctl.recording.registry import Registry

_log = logging.getLogger("perfctl.metrics")

_STOP_SECONDS = 2.0
"""How long the end of a frame that is being written is waited for."""


class Publisher:
    """A background thread that appends what came since its last time, each `interval_seconds`.

    What cannot be written (a full disk, a file that is held) is kept and goes with the next frame; the first failure
    is logged as a warning, until one succeeds. At `close`, and at the end of the program, the rest is written. A
    killed process loses what it recorded in its last interval. A forked child publishes its own, under its own name.
    """

    _thread: threading.Thread | None
    _kept: Frame | None

    def __init__(self, registry: Registry, history: History, interval_seconds: float = 10.0) -> None:
        self._registry = registry
        self._history = history
        self._interval_seconds = interval_seconds
        self._begin()
        _every.add(self)

    @property
    def source(self) -> str:
        """The name under which this process's frames stand in the history."""
        return self._source

    @property
    def interval_seconds(self) -> float:
        """How often it writes."""
        return self._interval_seconds

    @property
    def is_running(self) -> bool:
        """Whether its thread is at work in this process."""
        return self._thread is not None

    def start(self) -> None:
        """Begin to publish; nothing happens where this process does already."""
        with self._lock:
            if self._thread is not None:
                return
            self._stopped = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stopped,), name="perfctl-publisher", daemon=True
            )
            self._thread.start()
            atexit.register(self.close)

    def flush(self) -> None:
        """Append what came since the last time, now. Raises what `History.append` does; nothing is lost by it."""
        with self._writing:
            self._kept = self._taken()
            if self._kept is not None:
                self._history.append(self._kept, source=self._source)
                self._kept = None

    def close(self) -> None:
        """End the thread, and write the rest: a failure is logged. `start` begins anew."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopped.set()
        atexit.unregister(self.close)
        if thread is not None and thread is not threading.current_thread():
            thread.join(_STOP_SECONDS)
        self._publish()
        self._history.close()

    def hold(self) -> None:
        """Before a fork: no frame is half written, and so no lock of SQLite's is held in the child for ever."""
        self._is_held = self._writing.acquire(timeout=_STOP_SECONDS)

    def go_on(self) -> None:
        """After a fork, in the parent."""
        if self._is_held:
            self._is_held = False
            self._writing.release()

    def begin_anew(self) -> None:
        """After a fork, in the child: the parent's thread is not here, and what it kept is the parent's."""
        was_running = self._thread is not None
        self._begin()
        if was_running:
            self.start()

    def _begin(self) -> None:
        self._source = f"{os.getpid()}.{secrets.token_hex(3)}"
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()
        self._thread = self._kept = None
        self._has_failed = self._is_held = False

    def _run(self, stopped: threading.Event) -> None:
        while not stopped.wait(self._interval_seconds):
            self._publish()

    def _publish(self) -> None:
        try:
            self.flush()
        except PerfctlError as error:
            if not self._has_failed:
                _log.warning("figures are not written to the history for now: %s", error.message)
            self._has_failed = True
        except Exception:  # noqa: BLE001 - a background loop: it goes on, and says what it met
            _log.exception("figures could not be published")
        else:
            self._has_failed = False

    def _taken(self) -> Frame | None:
        """What is new, with what could not be written before; None where there is nothing.

        An interval in which nothing happened is something: its rates are 0, not unknown.
        """
        new = self._registry.take()
        if self._kept is not None:
            return joined([self._kept, new])
        return None if new.is_empty and new.seconds < self._interval_seconds / 2 else new


_every: weakref.WeakSet[Publisher] = weakref.WeakSet()


def _before_fork() -> None:
    for publisher in list(_every):
        publisher.hold()


def _in_parent() -> None:
    for publisher in list(_every):
        publisher.go_on()


def _in_child() -> None:
    for publisher in list(_every):
        publisher.begin_anew()


os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
