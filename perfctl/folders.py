"""Where perfctl keeps things: state, cache and configuration by the XDG rules, with a place for who has no home."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from perfctl.errors import ConfigError


def state_home(environ: Mapping[str, str]) -> Path:
    """PERFCTL_STATE_DIR, else `perfctl` in XDG_STATE_HOME, else in ~/.local/state; without a home that can be
    written this user's own in the temporary folder. ConfigError (exit 3) where somebody else made that one first.
    """
    if chosen := environ.get("PERFCTL_STATE_DIR"):
        return Path(chosen)
    return _named(environ, "XDG_STATE_HOME") or _below_home(environ, ".local/state") or _own_temporary() / "state"


def cache_home(environ: Mapping[str, str]) -> Path:
    """`perfctl` in XDG_CACHE_HOME; one in the state folder where only that was named, or can be written."""
    if environ.get("PERFCTL_STATE_DIR") and not environ.get("XDG_CACHE_HOME"):
        return state_home(environ) / "cache"
    folder = _named(environ, "XDG_CACHE_HOME") or _below_home(environ, ".cache") or _own_temporary() / "cache"
    return folder if _is_writable(folder) else state_home(environ) / "cache"


def config_home(environ: Mapping[str, str]) -> Path | None:
    """`perfctl` in XDG_CONFIG_HOME, else in ~/.config; None without either, for nobody would find it elsewhere."""
    home = environ.get("HOME", "")
    in_home = Path(home) / ".config" / "perfctl" if Path(home).is_absolute() else None
    return _named(environ, "XDG_CONFIG_HOME") or in_home


def _named(environ: Mapping[str, str], variable: str) -> Path | None:
    """The specification ignores a path that is not absolute."""
    base = Path(environ.get(variable, ""))
    return base / "perfctl" if base.is_absolute() else None


def _below_home(environ: Mapping[str, str], folder: str) -> Path | None:
    home = Path(environ.get("HOME", ""))
    return home / folder / "perfctl" if home.is_absolute() and os.access(home, os.W_OK | os.X_OK) else None


def _is_writable(folder: Path) -> bool:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return os.access(nearest, os.W_OK | os.X_OK)


def _own_temporary() -> Path:
    """This user's folder in the temporary folder, made now; refused where somebody else made it first."""
    import tempfile

    folder = Path(tempfile.tempdir or "/tmp") / f"perfctl-{os.getuid()}"  # noqa: S108 - what is meant where none is usable
    try:
        folder = Path(tempfile.gettempdir()) / folder.name
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise _unusable(folder, "it belongs to somebody else")
    return folder


def _unusable(folder: Path, reason: str) -> ConfigError:
    return ConfigError(f"no folder for state: {folder}: {reason}", hint="set PERFCTL_STATE_DIR to a folder of yours")
