"""What was done, on the disk before and after each step: a crash in the middle can be told, and undone."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from perfctl.errors import ConfigError, LockedError, UsageError
from perfctl.folders import state_home
from perfctl.operations.optimizing.model import Measured, RecordedRun, RecordedStep

FORM = 1
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{5}")


class Journal:
    """The runs of one context: a file each, replaced as a whole at each change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, context: str) -> Journal:
        """That of a context, in the state folder."""
        name = context if _PLAIN.fullmatch(context) else quote(context, safe="")[:200]
        return cls(state_home(os.environ) / "optimize" / name)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else applies or rolls back meanwhile. LockedError at once where somebody does."""
        with self._translated():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LockedError(
                    "another run of optimize changes this context", hint="run it again when that one has ended"
                ) from error
            yield
        finally:
            os.close(descriptor)

    def is_held(self) -> bool:
        """Whether somebody applies or rolls back now."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def begin(self, database: str) -> RecordedRun:
        """A new run without steps, on the disk; IDs rise with time. Only while it is held."""
        now = datetime.now(UTC)
        run = RecordedRun(
            id=f"{now:%Y%m%d-%H%M%S}-{now.microsecond:05x}",
            started_at=now.isoformat(timespec="seconds"),
            ended_at=None,
            database=database,
            steps=(),
        )
        self.save(run)
        return run

    def save(self, run: RecordedRun) -> None:
        """Write it whole or not at all; on the disk when this returns."""
        text = json.dumps({"form": FORM, **asdict(run)}, indent=1, ensure_ascii=False) + "\n"
        file = self.folder / f"{run.id}.json"
        made = self.folder / f".{run.id}.{os.getpid()}"
        with self._translated():
            with open(made, "w", encoding="utf-8", opener=_for_its_owner) as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            made.replace(file)
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def ended(self, run: RecordedRun) -> RecordedRun:
        """The same, with the moment of its end; on the disk."""
        done = replace(run, ended_at=datetime.now(UTC).isoformat(timespec="seconds"))
        self.save(done)
        return done

    def runs(self) -> tuple[RecordedRun, ...]:
        """All of them, the latest first; a file that cannot be read is a ConfigError."""
        with self._translated():
            names = sorted((each.stem for each in self.folder.glob("*.json")), reverse=True)
        return tuple(self._read(name) for name in names if _ID.fullmatch(name))

    def run(self, run_id: str) -> RecordedRun:
        """One of them. UsageError for an ID that is none of them."""
        if not _ID.fullmatch(run_id) or not (self.folder / f"{run_id}.json").is_file():
            raise UsageError(f"optimize: there is no run {run_id!r}", hint="perfctl optimize --history lists them")
        return self._read(run_id)

    def _read(self, name: str) -> RecordedRun:
        file = self.folder / f"{name}.json"
        with self._translated():
            text = file.read_text(encoding="utf-8")
        try:
            data = json.loads(text)
            if data["form"] != FORM:
                raise ValueError(f"its form is {data['form']}, and this perfctl knows {FORM}")
            return _run_of(data)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(f"{file}: no journal of optimize: {error}", hint="move the file away") from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigError(
                f"the journal of optimize cannot be used: {self.folder}: {error.strerror}",
                hint="set PERFCTL_STATE_DIR to a folder that can be written",
            ) from error


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _run_of(data: dict[str, Any]) -> RecordedRun:
    return RecordedRun(
        id=data["id"],
        started_at=data["started_at"],
        ended_at=data["ended_at"],
        database=data["database"],
        steps=tuple(_step_of(step) for step in data["steps"]),
    )


def _step_of(data: dict[str, Any]) -> RecordedStep:
    return RecordedStep(**{**data, "measured": tuple(Measured(**each) for each in data["measured"])})
