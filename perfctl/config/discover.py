"""Which configuration files there are: the one that is named, the project's, the user's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from perfctl.folders import config_home

PROJECT_NAME = "perfctl.yaml"


def user_file(environ: Mapping[str, str]) -> Path | None:
    """Where the user's file stands, or would; None without HOME and XDG_CONFIG_HOME."""
    folder = config_home(environ)
    return folder / "config.yaml" if folder else None


def project_file(environ: Mapping[str, str], folder: Path | None = None) -> Path | None:
    """The `perfctl.yaml` of this folder, or the nearest above it within the same repository.

    A folder with `.git` is the repository's root. Outside a repository only this folder counts: what stands in
    `/tmp` or `/home` is somebody else's. The search never goes up to HOME or `/`.
    """
    here = folder or _current_folder()
    if here is None:
        return None
    found = next((path / PROJECT_NAME for path in _candidates(here, environ) if _stands(path / PROJECT_NAME)), None)
    return None if found is None or _is_same(found, user_file(environ)) else found


def repository_root(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """The nearest folder with `.git`, below HOME and `/`."""
    home = environ.get("HOME")
    for path in (folder, *folder.parents):
        if path == Path("/") or (home and path == Path(home)):
            return None
        if _stands(path / ".git"):
            return path
    return None


def exists(path: Path | None) -> bool:
    """Whether something stands there, readable or not."""
    return path is not None and _stands(path)


def _candidates(here: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    root = repository_root(here, environ)
    if root is None:
        return (here,)
    return tuple(path for path in (here, *here.parents) if path == root or root in path.parents)


def _current_folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:
        return None


def _stands(path: Path) -> bool:
    try:
        os.lstat(path)
    except OSError:
        return False
    return True


def _is_same(one: Path, other: Path | None) -> bool:
    try:
        return other is not None and one.samefile(other)
    except OSError:
        return False
