"""A child process that answers one message after another, and that may hang or die: it is killed then, and told."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_AT_ONCE_MS = 3.0
"""For so long the caller itself waits; to hand a wait to a thread costs as much as most calls take."""
_CHUNK = 1_048_576
_TAIL_BYTES = 4_096
_MOST_BYTES = 32 * 1024 * 1024


class WorkerTimedOutError(Exception):
    """It did not answer in time, and was killed."""


class WorkerEndedError(Exception):
    """It ended instead of answering; `said` is the end of what it wrote to stderr."""

    def __init__(self, exit_code: int, said: str) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code
        self.said = said


class Worker:
    """One process; a line in on its stdin, a line out on the file descriptor that `REPLY_FD` names to it.

    What it prints goes to a file that nobody reads but `WorkerEndedError`.
    """

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], folder: Path | None = None) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._reply, reply = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own worker's command
                command,
                stdin=subprocess.PIPE,
                stdout=self._said,
                stderr=self._said,
                pass_fds=(reply,),
                env={**env, "REPLY_FD": str(reply)},
                cwd=folder,
                start_new_session=True,
            )
        except OSError:
            os.close(self._reply)
            self._said.close()
            raise
        finally:
            os.close(reply)
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._asked = self._process.stdin.fileno()
        os.set_blocking(self._asked, False)
        self._readable = select.poll()
        self._readable.register(self._reply, select.POLLIN)
        self._rest = b""

    async def ask(self, message: bytes, *, timeout_seconds: float) -> bytes:
        """The answer to a message, without its newline."""
        until = time.monotonic() + timeout_seconds
        unsent = self._write(memoryview(message + b"\n"))
        if not unsent:
            self._receive(_AT_ONCE_MS)
        if self._rest[-1:] != b"\n":
            await self._waited(unsent, until)
        if self._rest[-1:] != b"\n":
            self.kill()
            raise WorkerTimedOutError
        answer, self._rest = self._rest[:-1], b""
        return answer

    async def _waited(self, unsent: memoryview, until: float) -> None:
        """The rest of an exchange in a thread; who is cancelled meanwhile ends the process, and with it the thread."""
        try:
            await asyncio.to_thread(self._exchange, unsent, until)
        except asyncio.CancelledError:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            raise

    def kill(self) -> None:
        """End it and what it started, now."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
            os.close(self._reply)
            self._said.close()

    def _exchange(self, unsent: memoryview, until: float) -> None:
        """Write the rest and read until there is a whole line, or until the time is over."""
        while unsent and (left := until - time.monotonic()) > 0:
            poll = select.poll()
            poll.register(self._asked, select.POLLOUT)
            poll.register(self._reply, select.POLLHUP)
            poll.poll(left * 1000)
            unsent = self._write(unsent)
        while self._rest[-1:] != b"\n" and (left := until - time.monotonic()) > 0:
            self._receive(left * 1000)

    def _write(self, unsent: memoryview) -> memoryview:
        try:
            return unsent[os.write(self._asked, unsent) :]
        except BlockingIOError:
            return unsent
        except BrokenPipeError:
            raise self._ended() from None

    def _receive(self, wait_ms: float) -> None:
        if not self._readable.poll(wait_ms):
            return
        part = os.read(self._reply, _CHUNK)
        if not part:
            raise self._ended()
        self._rest += part
        if len(self._rest) > _MOST_BYTES:
            self.kill()
            raise WorkerEndedError(-signal.SIGKILL, f"it answered with more than {_MOST_BYTES:,} bytes")

    def _ended(self) -> WorkerEndedError:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - _TAIL_BYTES))
        said = self._said.read().decode(errors="replace")
        self.kill()
        return WorkerEndedError(code, said)
