"""Where PostgreSQL's files may lie: it refuses to run as root, and whom root becomes cannot pass closed folders."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

from perfctl.errors import UnreachableError
from perfctl.sandbox.ipc import remove_segment
from perfctl.sandbox.state import write_private

_REMOVE_SECONDS = 5.0

NOBODY = 65534
"""The user and group that a server runs as when we are root, where no user of that name is known."""


def server_uid() -> int | None:
    """Whom the server runs as: nobody when we are root, else ourselves (None)."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return NOBODY


def as_user(uid: int | None) -> dict[str, Any]:
    """The arguments that make `subprocess` start a program as the server's user and group, in no other group."""
    return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}


def give(path: Path, uid: int | None) -> None:
    """Make it belong to the server's user and group."""
    if uid is not None:
        os.chown(path, uid, uid)


def remove_tree(folder: Path) -> None:
    """Remove a folder in which a program that was just killed may still be writing its last file."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)


class Place:
    """A folder for a server's files: inside the sandbox's own, or, for root, one in the temporary folder.

    Where that one is stands in a small file, since TMPDIR may differ at the next call; without the file it is found
    by its name.
    """

    def __init__(self, folder: Path, token: str) -> None:
        self._folder = folder
        self._pointer = folder.with_name(f"{folder.name}.path")
        self._prefix = f"perfctl-{token}-"

    def find(self) -> Path | None:
        """The folder, when it was made before."""
        if server_uid() is None:
            return self._folder if self._folder.is_dir() else None
        return next(iter(self._outside()), None)

    def make(self) -> Path:
        """The folder, made now when it is not there."""
        found = self.find()
        if found is not None:
            return found
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if server_uid() is None:
            self._folder.mkdir(mode=0o700)
            return self._folder
        made = Path(tempfile.mkdtemp(prefix=self._prefix, dir=_open_folder()))
        made.chmod(0o711)
        write_private(self._pointer, str(made))
        return made

    def remove(self) -> None:
        """Remove it with all that is in it, and what killed servers in it left in memory."""
        for folder in (*self._outside(), self._folder):
            for lock_file in folder.glob("*/postmaster.pid"):
                remove_segment(lock_file)
            remove_tree(folder)
        self._pointer.unlink(missing_ok=True)

    def _outside(self) -> list[Path]:
        """Our folders in the temporary ones: real folders that belong to us, whatever others put there."""
        found = [path for base in _temporary_folders() if base.is_dir() for path in base.glob(f"{self._prefix}*")]
        noted = self._noted()
        return [path for path in dict.fromkeys([*noted, *found]) if _is_ours(path)]

    def _noted(self) -> list[Path]:
        try:
            path = Path(self._pointer.read_text(encoding="utf-8").strip())
        except (OSError, ValueError):
            return []
        return [path] if path.is_absolute() and path.name.startswith(self._prefix) else []


def is_open(folder: Path) -> bool:
    """Whether anybody may pass the folder and all above it."""
    return all(_mode(path) & stat.S_IXOTH for path in (folder, *folder.parents))


def _temporary_folders() -> list[Path]:
    bases = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 mkdtemp makes a random name in it
    return list(dict.fromkeys(base.resolve() for base in bases))


def _open_folder() -> Path:
    for base in _temporary_folders():
        if base.is_dir() and is_open(base) and not os.statvfs(base).f_flag & os.ST_NOEXEC:
            return base
    raise UnreachableError(
        f"PostgreSQL does not run as root, and user {server_uid()} can reach no folder to run in",
        hint="set TMPDIR to a folder that everybody may pass and run programs in, or do not run as root",
    )


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _is_ours(path: Path) -> bool:
    try:
        info = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid()
