"""A folder's variants for the edge: every file is looked at, on all cores, and what pays is written beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from perfctl.cdn.background import in_background
from perfctl.cdn.content.examining import Examined, Job, examined, left_behind
from perfctl.cdn.content.manifest import MANIFEST_NAME, MadeFile, read, text_of
from perfctl.cdn.content.optimizing import ContentRules
from perfctl.cdn.content.pictures import check_installed
from perfctl.cdn.content.sums import summed
from perfctl.cdn.content.variants import SUFFIXES, Variant
from perfctl.cdn.content.walking import TEMPORARY, found
from perfctl.cdn.model.content import OptimizeProblem, OptimizeReport
from perfctl.errors import ServiceError, UsageError

Told = Callable[[int], None]


async def publish(
    source: Path,
    *,
    rules: ContentRules,
    out: Path | None = None,
    images: bool = False,
    compact: bool = False,
    force: bool = False,
    dry_run: bool = False,
    jobs: int | None = None,
    told: Told | None = None,
) -> OptimizeReport:
    """Make the variants of a file, or of each file of a folder, and write them with a manifest of their headers.

    The files themselves are never touched; a file in a variant's place that perfctl did not write stays, and is a
    problem, but with `force`. What is up to date is not made again. An interruption leaves whole files alone, and a
    manifest of them.
    """
    root, names, problems, is_folder = _chosen(source, out)
    if images:
        check_installed()
    target = out or root
    _check_writable(target, dry_run=dry_run)
    known = read(target / MANIFEST_NAME)
    job = Job(root=root, target=target, rules=rules, images=images, compact=compact, force=force, known=known)
    publisher = _Publisher(job, problems, dry_run=dry_run, told=told)
    with publisher.recorded(names, whole=is_folder):
        await publisher.work(names, jobs or os.cpu_count() or 1)
    return summed(
        str(source),
        None if dry_run else str(target / MANIFEST_NAME),
        str(target),
        publisher.done,
        problems=sorted(publisher.problems, key=lambda one: one.path),
        removed=publisher.removed,
    )


class _Publisher:
    """The work on one folder, as far as it is."""

    def __init__(self, job: Job, problems: list[OptimizeProblem], *, dry_run: bool, told: Told | None) -> None:
        self.done: list[Examined] = []
        self.problems = problems
        self.removed = 0
        self._job = job
        self._dry_run = dry_run
        self._told = told
        self._looked_at = 0

    async def work(self, names: list[str], jobs: int) -> None:
        """Look at every file, so many at once."""
        waiting = iter(names)
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, min(jobs, len(names)))):
                group.create_task(self._work_on(waiting))

    @contextlib.contextmanager
    def recorded(self, names: list[str], *, whole: bool) -> Iterator[None]:
        """Write the manifest at the end, whatever the end is."""
        try:
            yield
            if whole:
                self._forget(set(self._job.known) - set(names))
        finally:
            if not self._dry_run:
                self._write_manifest(set(names), whole=whole)

    async def _work_on(self, waiting: Iterator[str]) -> None:
        for name in waiting:
            try:
                found = await in_background(lambda name=name: examined(self._job, name))  # type: ignore[misc]
                self._take(found)
            except OSError as error:
                self.problems.append(OptimizeProblem(name, error.strerror or str(error)))
            self._looked_at += 1
            if self._told is not None:
                self._told(self._looked_at)

    def _take(self, found: Examined) -> None:
        if not self._dry_run:
            for variant in found.to_write:
                self._write(found.name, variant)
            self._remove(found.name, found.to_remove)
        self.removed += len(found.to_remove)
        self.done.append(found)
        for name in found.in_the_way:
            self.problems.append(OptimizeProblem(name, f"is there, and was not made from {found.name}: kept"))

    def _write(self, name: str, variant: Variant) -> None:
        """The whole file, as readable and as old as its source, or nothing."""
        path, like = self._job.place(name, variant.form), (self._job.root / name).stat()
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, variant.body, mode=like.st_mode & 0o666, times_ns=(like.st_atime_ns, like.st_mtime_ns))

    def _remove(self, name: str, forms: tuple[object, ...]) -> None:
        for form in SUFFIXES:
            if form in forms:
                self._job.place(name, form).unlink(missing_ok=True)

    def _forget(self, gone: set[str]) -> None:
        """Remove the variants of files that are no more, where they are still what was written."""
        for name in sorted(gone):
            if _is_below(self._job.target, name) and not self._is_there(name):
                forms = left_behind(self._job, name)
                self.removed += len(forms)
                if not self._dry_run:
                    self._remove(name, forms)

    def _is_there(self, name: str) -> bool:
        """Whether there is such a file still, or may be: what cannot be looked at is not said to be gone."""
        try:
            return (self._job.root / name).exists()
        except OSError:
            return True

    def _write_manifest(self, names: set[str], *, whole: bool) -> None:
        """What was looked at, and of the rest what an earlier run knew: all that was not reached, or not asked for."""
        looked_at: dict[str, MadeFile] = {one.name: one.made for one in self.done}
        rest = {name: made for name, made in self._job.known.items() if name in names or not whole}
        path = self._job.target / MANIFEST_NAME
        try:
            _write_whole(path, text_of({**rest, **looked_at}).encode("utf-8", "surrogateescape"), mode=0o644)
        except OSError as error:
            raise ServiceError(f"cannot write {path}: {error.strerror}", hint="name another folder, --out") from error


def _chosen(source: Path, out: Path | None) -> tuple[Path, list[str], list[OptimizeProblem], bool]:
    """The folder, the files in it, what cannot be looked at; and whether the folder is what was named."""
    if source.is_dir():
        names, problems = found(source, without=out)
        return source, names, problems, True
    if not source.is_file():
        why = "is neither a file nor a folder" if source.exists() else "no such file or folder"
        raise UsageError(f"{source}: {why}", hint="name a folder that is to be published, such as dist/")
    return source.parent, [source.name], [], False


def _check_writable(target: Path, *, dry_run: bool) -> None:
    """Before any work is done."""
    if dry_run:
        return
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{target}: {error.strerror}", hint="name a folder with --out") from error
    if not os.access(target, os.W_OK | os.X_OK):
        raise UsageError(f"{target}: cannot be written", hint="name another folder with --out")


def _is_below(target: Path, name: str) -> bool:
    """Whether a name out of a manifest lies within the folder: it is a file that anybody may have written."""
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or not place.parts:
        return False
    return (target / name).parent.resolve().is_relative_to(target.resolve())


def _write_whole(path: Path, body: bytes, *, mode: int, times_ns: tuple[int, int] | None = None) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(body)
            os.fchmod(stream.fileno(), mode)
        if times_ns is not None:
            os.utime(temporary, ns=times_ns)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
