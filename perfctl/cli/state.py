"""Where perfctl keeps what outlives a run: locks, crash files."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from perfctl.errors import ConfigError


def state_folder(name: str) -> Path:
    """A folder below the state directory, made on first use, for its owner alone.

    The state directory is PERFCTL_STATE_DIR, else `perfctl` in XDG_STATE_HOME, else in ~/.local/state, else
    (no home that can be written) one of this user's in the temporary folder. ConfigError (exit 3) names the
    variable to set where none can be written.
    """
    folder = _state_directory() / name
    try:
        _make(folder)
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unusable(folder, "it cannot be written")
    return folder


def _state_directory() -> Path:
    if chosen := os.environ.get("PERFCTL_STATE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_STATE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "perfctl"
    home = os.environ.get("HOME", "")
    if Path(home).is_absolute() and os.access(home, os.W_OK | os.X_OK):
        return Path(home) / ".local" / "state" / "perfctl"
    return _own_temporary()


def _own_temporary() -> Path:
    """This user's folder in the temporary folder; refused where another user made it first."""
    folder = Path(tempfile.gettempdir()) / f"perfctl-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise _unusable(folder, "it belongs to somebody else")
    return folder / "state"


def _make(folder: Path) -> None:
    """The folder and those above it, those that are new with mode 0700."""
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        _make(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def _unusable(folder: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"no folder for locks and state: {folder}: {reason}",
        hint="set PERFCTL_STATE_DIR to a folder that can be written",
        where="env PERFCTL_STATE_DIR" if os.environ.get("PERFCTL_STATE_DIR") else None,
    )
