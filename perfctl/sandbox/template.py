"""A folder that is made once, kept in the cache, checked, and copied from then on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from perfctl.sandbox.lock import held
from perfctl.sandbox.place import give
from perfctl.sandbox.state import write_private

_MANIFEST = "manifest.json"
_BUILD_SECONDS = 300.0


class Template:
    """One cached folder; several processes may use it at the same time."""

    def __init__(self, cache: Path, *, kind: str, key: str, build: Callable[[Path], None]) -> None:
        """`build(folder)` fills a folder that does not exist yet; `key` names all that its content depends on."""
        self._cache = cache
        self._kind = kind
        self._folder = cache / f"{kind}-{key}"
        self._build = build

    def copy_to(self, target: Path, *, uid: int | None) -> None:
        """Make `target` a copy that belongs to `uid`, building the template first where it is missing or damaged."""
        while True:
            with held(self._lock, what="the sandbox's template", seconds=_BUILD_SECONDS, shared=True):
                if self._is_whole():
                    return copy_tree(self._folder / "data", target, uid=uid)
            with held(self._lock, what="the sandbox's template", seconds=_BUILD_SECONDS):
                if not self._is_whole():
                    self._make()

    def copy_file(self, name: str, target: Path, *, uid: int | None) -> None:
        """Make `target` a copy of one of its files, where there is a whole template that has it; builds nothing."""
        with held(self._lock, what="the sandbox's template", seconds=_BUILD_SECONDS, shared=True):
            source = self._folder / "data" / name
            if self._is_whole() and source.is_file():
                _copy_file(source, target)
                give(target, uid)

    @property
    def _lock(self) -> Path:
        return self._cache / f"{self._kind}.lock"

    def _make(self) -> None:
        """Replace what there is, and what older versions left."""
        for stale in self._cache.glob(f"{self._kind}-*"):
            shutil.rmtree(stale, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        self._build(self._folder / "data")
        write_private(self._folder / _MANIFEST, json.dumps(_listing(self._folder / "data")))

    def _is_whole(self) -> bool:
        """Whether every file has the size and the time that it had when the template was finished."""
        try:
            listed = json.loads((self._folder / _MANIFEST).read_text(encoding="utf-8"))
            return bool(listed == _listing(self._folder / "data"))
        except (OSError, ValueError):
            return False


def copy_tree(source: Path, target: Path, *, uid: int | None) -> None:
    """Copy folders and plain files, in the kernel (shared blocks where the file system can), all private to `uid`."""
    partial = target.with_name(f"{target.name}.partial")
    for old in (partial, target):
        shutil.rmtree(old, ignore_errors=True)
    for folder, _, files in os.walk(source):
        here = partial / Path(folder).relative_to(source)
        here.mkdir(parents=True, mode=0o700)
        give(here, uid)
        for name in files:
            _copy_file(Path(folder) / name, here / name)
            give(here / name, uid)
    partial.rename(target)


def _copy_file(source: Path, target: Path) -> None:
    if not hasattr(os, "copy_file_range"):
        shutil.copyfile(source, target)
        return target.chmod(0o600)
    with source.open("rb") as read, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as write:
        try:
            while os.copy_file_range(read.fileno(), write.fileno(), 1 << 30):
                pass
        except OSError:
            read.seek(0)
            shutil.copyfileobj(read, write)
    return None


def _listing(folder: Path) -> dict[str, list[int]]:
    return {str(path.relative_to(folder)): [size, time] for path, size, time in _files(folder)}


def _files(folder: Path) -> Iterator[tuple[Path, int, int]]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            info = entry.stat(follow_symlinks=False)
            yield Path(entry.path), info.st_size, info.st_mtime_ns
