"""Which URLs a deployment changed: from two commits, or from two manifests of what was built or stored."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfctl.cdn.paths import Asked
from perfctl.errors import UnreachableError, UsageError

GIT_SECONDS = 60.0
_ESCAPED = re.compile(r"[%?#]")


@dataclass(frozen=True, slots=True)
class Mapped:
    """Files below a folder and where they are served: `dist/:/` is `Mapped("dist/", "/")`."""

    folder: str = ""
    url: str = "/"

    @classmethod
    def of(cls, text: str) -> Mapped:
        """From `FOLDER:URL`, such as `dist/:/` or `public/img/:/static/`."""
        folder, colon, url = text.rpartition(":")
        if not colon or not url.startswith("/") or folder.startswith("/"):
            raise UsageError(f"--map {text!r}: it is not FOLDER:/URL", hint="write dist/:/", where="--map")
        folder = folder.removeprefix("./")
        return cls(folder if not folder or folder.endswith("/") else f"{folder}/", url.removesuffix("/") + "/")


def of_git(commits: str, maps: Sequence[Mapped], *, folder: Path | None = None) -> list[Asked]:
    """The URLs of the files that differ between `A..B` (added, changed and removed ones), below the mapped folders.

    UsageError for what git refuses. Names are those at the top of the repository.
    """
    if ".." not in commits or commits.startswith("-"):
        raise UsageError(f"--from-git {commits!r}: it is not A..B", hint="write HEAD~1..HEAD", where="--from-git")
    words = ["diff", "--name-only", "--no-renames", "--no-relative", "-z", "--end-of-options", commits, "--"]
    done = _git(words, f"git diff {commits}", folder)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        hint = "run it inside the repository, with both commits fetched (a CI may fetch only one)"
        raise UsageError(f"git diff {commits}: {reason}", hint=hint)
    names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return urls_of(map(escaped, filter(None, names)), maps or [Mapped()], source=f"git {commits}")


def empty_folders(commits: str, maps: Sequence[Mapped], *, folder: Path | None = None) -> list[str]:
    """The mapped folders in which neither commit of `A..B` has a file: likely misspelt. None where git cannot tell."""
    both = [commit or "HEAD" for commit in re.split(r"\.{2,3}", commits, maxsplit=1)]
    return [one.folder for one in maps if one.folder and not any(_has(commit, one.folder, folder) for commit in both)]


def _has(commit: str, mapped: str, folder: Path | None) -> bool:
    words = ["ls-tree", "--full-tree", "--name-only", "-z", "--end-of-options", commit, mapped]
    done = _git(words, f"git ls-tree {commit}", folder)
    return bool(done.returncode or done.stdout)


def _git(words: Sequence[str], said: str, folder: Path | None) -> subprocess.CompletedProcess[bytes]:
    try:
        line = ["git", *words]
        return subprocess.run(line, cwd=folder, capture_output=True, timeout=GIT_SECONDS, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise UsageError("git is not on the PATH", hint="install git, or give -f FILE", where="--from-git") from error
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(f"{said}: no answer after {GIT_SECONDS:.0f} s") from error


def escaped(name: str) -> str:
    """A file's name as it stands in its URL: `%`, `?` and `#` are no signs of the URL's own.

    >>> escaped("dist/100% a?.html")
    'dist/100%25 a%3F.html'
    """
    return _ESCAPED.sub(lambda sign: f"%{ord(sign.group()):02X}", name)


def urls_of(names: Iterable[str], maps: Sequence[Mapped], *, source: str) -> list[Asked]:
    """The URL of each (escaped) name below a mapped folder, in order; the longest folder counts.

    >>> urls_of(["dist/a.html", "src/a.ts"], [Mapped("dist/", "/")], source="git")
    [Asked(text='/a.html', where='git: dist/a.html')]
    """
    longest = sorted(maps, key=lambda one: -len(one.folder))
    found = []
    for name in names:
        mapped = next((one for one in longest if name.startswith(one.folder)), None)
        if mapped is not None:
            found.append(_exact(Asked(mapped.url + name[len(mapped.folder) :], f"{source}: {name}")))
    return found


def with_index(asked: Iterable[Asked], index: str | None) -> list[Asked]:
    """The paths, and for an index file's name beside each `/x/` the `/x/index.html`, and the other way round.

    >>> [one.text for one in with_index([Asked("/x/"), Asked("/index.html")], "index.html")]
    ['/x/', '/x/index.html', '/index.html', '/']
    """
    if index is not None and ("*" in index or "/" in index or not index):
        raise UsageError(f"--index {index!r}: it is no file's name", hint="write index.html", where="--index")
    every: dict[str, Asked] = {}
    for one in asked:
        every.setdefault(one.text, one)
        other = _beside(one.text, index) if index else None
        if other is not None:
            every.setdefault(other, Asked(other, one.where))
    return list(every.values())


def _beside(path: str, index: str) -> str | None:
    if path.endswith("/"):
        return path + index
    return path.removesuffix(index) if path.endswith(f"/{index}") else None


def differing(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The names whose fingerprint differs, or that only one of them has, in order."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _exact(asked: Asked) -> Asked:
    if "*" in asked.text:
        raise UsageError(
            f"{asked.where}: no exact item names a file with a * in its name",
            hint=f"invalidate {asked.text.partition('*')[0] + '*'!r} besides, and rename it",
        )
    return asked
