"""Publisher: writes what a process records to the history, where the processes of an application are merged."""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import threading
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.metrics.history import History
    from perfctl.recording.frame import Frame
    from perfctl.recording.registry import Registry

_log = logging.getLogger("perfctl.metrics")
_STOP_SECONDS = 2.0


class Publisher:
    """A background thread that appends what came since its last time, each `interval_seconds`.

    What cannot be written (a full disk, a file that is held) is kept and goes with the next frame; the first failure
    is logged as a warning, until one succeeds. At `close`, and at the end of the program, the rest is written. A
    killed process loses what it recorded in its last interval. A forked child publishes its own, from when it
    records: `wake` is called by whoever hands out the registry, and costs a comparison.
    """

    _thread: threading.Thread | None
    _kept: Frame | None

    def __init__(self, registry: Registry, history: History, interval_seconds: float = 10.0) -> None:
        self._registry = registry
        self._history = history
        self._interval_seconds = interval_seconds
        self._begin()

    @property
    def source(self) -> str:
        """The name under which this process's frames stand in the history."""
        return self._source

    def start(self) -> None:
        """Begin to publish; nothing happens where this process does already."""
        with self._lock:
            if self._thread is not None:
                return
            self._stopped.clear()
            self._thread = threading.Thread(target=self._run, name="perfctl-publisher", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def wake(self) -> None:
        """Go on in a forked child, where the parent's thread is not."""
        if self._pid != os.getpid():
            self._begin()
            self.start()

    def flush(self) -> None:
        """Append what came since the last time, now. Raises what `History.append` does; nothing is lost by it."""
        with self._writing:
            frame = self._taken()
            if frame is None:
                return
            self._kept = frame
            self._history.append(frame, source=self._source)
            self._kept = None

    def close(self) -> None:
        """End the thread, and write the rest: a failure is logged, for the program that ends is not its cause."""
        if self._pid != os.getpid():
            return
        with self._lock:
            thread, self._thread = self._thread, None
        self._stopped.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_STOP_SECONDS)
        atexit.unregister(self.close)
        self._publish()
        self._history.close()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._source = f"{self._pid}.{secrets.token_hex(3)}"
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()
        self._thread = None
        self._kept = None
        self._has_failed = False

    def _run(self) -> None:
        stopped = self._stopped
        while not stopped.wait(self._interval_seconds):
            self._publish()

    def _publish(self) -> None:
        try:
            self.flush()
        except PerfctlError as error:
            if not self._has_failed:
                _log.warning("figures are not written to the history for now: %s", error.message)
            self._has_failed = True
        except Exception:  # noqa: BLE001
            # A background loop: it goes on, and says what it met.
            _log.exception("figures could not be published")
        else:
            self._has_failed = False

    def _taken(self) -> Frame | None:
        """What is new, with what could not be written before; None where there is nothing.

        An interval in which nothing happened is something: its rates are 0, not unknown.
        """
        from perfctl.metrics.history.joining import joined

        new = self._registry.take()
        if self._kept is not None:
            return joined([self._kept, new])
        return None if new.is_empty and new.seconds < self._interval_seconds / 2 else new
