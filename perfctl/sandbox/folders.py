"""Where a sandbox keeps what it remembers, what it caches, and the files of its servers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def state_home(environ: Mapping[str, str]) -> Path:
    """PERFCTL_STATE_DIR, else perfctl's folder in XDG_STATE_HOME; without a HOME the user's own in the temp folder."""
    if environ.get("PERFCTL_STATE_DIR"):
        return Path(environ["PERFCTL_STATE_DIR"]).absolute()
    return _xdg(environ, "XDG_STATE_HOME", ".local/state")


def cache_home(environ: Mapping[str, str]) -> Path:
    """Perfctl's folder in XDG_CACHE_HOME; in the state folder where the caller named that one, but no cache."""
    if environ.get("PERFCTL_STATE_DIR") and not environ.get("XDG_CACHE_HOME"):
        return state_home(environ) / "cache"
    return _xdg(environ, "XDG_CACHE_HOME", ".cache")


def _xdg(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    base = environ.get(variable, "")
    if Path(base).is_absolute():
        return Path(base) / "perfctl"
    home = environ.get("HOME", "")
    if Path(home).is_absolute() and os.access(home, os.W_OK | os.X_OK):
        return Path(home) / below_home / "perfctl"
    return Path(tempfile.gettempdir()) / f"perfctl-{os.getuid()}" / below_home.strip(".")
