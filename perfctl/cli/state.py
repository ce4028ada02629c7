"""Where perfctl keeps what outlives a run: locks, crash files."""

from __future__ import annotations

import os
from pathlib import Path

from perfctl.errors import ConfigError
from perfctl.folders import state_home


def state_folder(name: str) -> Path:
    """A folder below the state directory, made on first use, for its owner alone.

    ConfigError (exit 3) names the variable to set where none can be written.
    """
    folder = state_home(os.environ) / name
    try:
        _make(folder)
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unusable(folder, "it cannot be written")
    return folder


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
