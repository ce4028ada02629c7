"""What `perfctl cdn invalidate` is asked to have forgotten: paths, files of them, commits, manifests; and what it knows
of the distribution's URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.intake import taken
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cdn.paths import Asked
    from perfctl.cdn.planning.changes import Mapped

MOST_PATHS_BYTES = 64 * 1024 * 1024
"""More paths than an account may invalidate at a time."""

Paths = Annotated[list[str] | None, typer.Argument(metavar="PATH...", help="Paths; * only at the end; - reads stdin.")]
Files = Annotated[
    list[str] | None, typer.Option("-f", "--file", metavar="FILE", help="Paths of a file, one a line; - is stdin.")
]
FromGit = Annotated[
    str | None, typer.Option("--from-git", metavar="A..B", help="The files that differ between two commits.")
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="DIR:/URL", help="Where files of a folder are served: dist/:/; repeatable."),
]
Index = Annotated[
    str | None, typer.Option("--index", metavar="NAME", help="index.html: /x/ goes with /x/index.html, and back.")
]
FromManifest = Annotated[
    tuple[str, str] | None,
    typer.Option("--from-manifest", metavar="OLD NEW", help="What differs between two manifests of a build."),
]


def asked_for(
    paths: list[str],
    files: list[str],
    *,
    git: str | None = None,
    manifests: tuple[str, str] | None = None,
    maps: list[str] | None = None,
    index: str | None = None,
) -> list[Asked]:
    """Every path with the place where it was written; stdin is read at most once, for `-`."""
    from perfctl.cdn.paths import Asked, parse_lines
    from perfctl.cdn.planning.changes import Mapped, of_git, with_index

    asked = [Asked(path) for path in paths if path != "-"]
    for source in dict.fromkeys(([] if "-" not in paths else ["-"]) + files):
        text = _read(source, "name a file of paths, one a line", "--file").decode("utf-8", "surrogateescape")
        asked += parse_lines(text.split("\n"), source="stdin" if source == "-" else source)
    folders = [Mapped.of(text) for text in maps or []]
    if folders and not (git or manifests):
        raise UsageError("--map is for --from-git and --from-manifest", hint="leave it out", where="--map")
    if git is not None:
        asked += of_git(git, folders)
    if manifests is not None:
        asked += _of_manifests(manifests, folders)
    return with_index(asked, index)


def _of_manifests(names: tuple[str, str], folders: list[Mapped]) -> list[Asked]:
    from perfctl.cdn.planning.manifests import of_manifests

    if names[0] == names[1] == "-":
        raise UsageError("stdin cannot be both manifests", hint="name a file for one of them", where="--from-manifest")
    old, new = (_read(name, "name the manifests of two builds", "--from-manifest") for name in names)
    return of_manifests(old, new, folders, names=names)


def _read(source: str, wanted: str, where: str) -> bytes:
    return taken(source, at_most=MOST_PATHS_BYTES, wanted=wanted, where=where)
