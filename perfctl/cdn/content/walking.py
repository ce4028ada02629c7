"""Which files of a folder there are to make smaller: none is opened, no link is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from perfctl.cdn.content.file_types import UNKNOWN, type_of
from perfctl.cdn.content.manifest import MANIFEST_NAME
from perfctl.cdn.content.variants import SUFFIXES
from perfctl.cdn.model.content import OptimizeProblem

TEMPORARY = ".perfctl-"
"""What the names of half-written files begin with."""
_NOT_PUBLISHED = frozenset((".git", ".hg", ".svn"))


def found(root: Path, *, without: Path | None = None) -> tuple[list[str], list[OptimizeProblem]]:
    """The paths of the files below `root`, relative to it and in order, and what could not be looked at.

    A link to what lies below `root` itself is left out, too: what it leads to is there under its own name.
    Variants whose source is there are no files of their own, nor is the manifest; `without` is a folder to leave out.
    """
    problems: list[OptimizeProblem] = []
    names = sorted(_walked(root, "", problems, without and without.resolve()))
    known = frozenset(names)
    return [name for name in names if not _is_variant(name, known)], problems


def _walked(root: Path, below: str, problems: list[OptimizeProblem], without: Path | None) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(root / below), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(OptimizeProblem(below or ".", error.strerror or str(error)))
        return
    for entry in entries:
        name = below + entry.name
        if entry.is_symlink():
            if not _leads_within(root, entry.path):
                problems.append(OptimizeProblem(name, "a link out of the folder, not followed"))
        elif why := _not_a_file(entry):
            problems.append(OptimizeProblem(name, why))
        elif entry.is_dir(follow_symlinks=False):
            if entry.name not in _NOT_PUBLISHED and Path(entry.path).resolve() != without:
                yield from _walked(root, name + "/", problems, without)
        elif not (entry.name == MANIFEST_NAME or entry.name.startswith(TEMPORARY)):
            yield name


def _leads_within(root: Path, link: str) -> bool:
    """Whether a link leads to what is walked through anyway."""
    try:
        return Path(link).resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _not_a_file(entry: os.DirEntry[str]) -> str | None:
    """Why it is left out: a pipe never ends."""
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError as error:
        return error.strerror or str(error)
    return None if stat.S_ISDIR(mode) or stat.S_ISREG(mode) else "neither a file nor a folder"


def _is_variant(name: str, known: frozenset[str]) -> bool:
    """Whether it is another file's variant: `app.js.br` beside `app.js`."""
    return any(
        name.endswith(suffix) and (source := name.removesuffix(suffix)) in known and type_of(source) != UNKNOWN
        for suffix in SUFFIXES.values()
    )
