"""Where a sandbox keeps what it remembers, what it caches, and the files of its servers."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from perfctl.errors import ConfigError


def state_home(environ: Mapping[str, str]) -> Path:
    """PERFCTL_STATE_DIR, else perfctl's folder in XDG_STATE_HOME; without a HOME the user's own in the temp folder."""
    if environ.get("PERFCTL_STATE_DIR"):
        return Path(environ["PERFCTL_STATE_DIR"]).absolute()
    return _xdg(environ, "XDG_STATE_HOME", ".local/state")


def cache_home(environ: Mapping[str, str]) -> Path:
    """Perfctl's folder in XDG_CACHE_HOME; one in the state folder where only that was named, or can be written."""
    if environ.get("PERFCTL_STATE_DIR") and not environ.get("XDG_CACHE_HOME"):
        return state_home(environ) / "cache"
    folder = _xdg(environ, "XDG_CACHE_HOME", ".cache")
    return folder if _is_writable(folder) else state_home(environ) / "cache"


def _is_writable(folder: Path) -> bool:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return os.access(nearest, os.W_OK | os.X_OK)


def _xdg(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    base = environ.get(variable, "")
    if Path(base).is_absolute():
        return Path(base) / "perfctl"
    home = environ.get("HOME", "")
    if Path(home).is_absolute() and os.access(home, os.W_OK | os.X_OK):
        return Path(home) / below_home / "perfctl"
    return _own_temporary() / ("cache" if variable == "XDG_CACHE_HOME" else "state")


def _own_temporary() -> Path:
    """This user's folder in the temporary folder; refused where somebody else made it first."""
    folder = Path(tempfile.gettempdir()) / f"perfctl-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ConfigError(f"{folder} belongs to somebody else", hint="set PERFCTL_STATE_DIR to a folder of yours")
    return folder
