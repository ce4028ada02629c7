"""The ground on which a sandbox stands: its folders, ports, passwords, and the mark that its processes carry."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from perfctl.errors import UsageError
from perfctl.sandbox.place import Place
from perfctl.sandbox.state import write_private

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,23}")


class Site:
    """One sandbox's ground; nothing is written before it is needed."""

    def __init__(self, name: str, *, state_home: Path, cache: Path, say: Callable[[str], None]) -> None:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"--name: {name!r} is not a name for a sandbox",
                hint="up to 24 of a-z, 0-9, - and _, a letter or digit first",
                where="--name",
            )
        self.name = name
        self.say = say
        self.home = state_home / "sandbox"
        self.folder = self.home / name
        self.cache = cache / "sandbox"
        self.token = hashlib.sha256(str(self.folder).encode()).hexdigest()[:10]
        self.ports: Mapping[str, int] = {}

    @property
    def state_file(self) -> Path:
        """What is remembered between runs."""
        return self.folder / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held while anything changes; beside the folder, which may go."""
        return self.home / f"{self.name}.lock"

    @property
    def mark(self) -> str:
        """What stands on the command line of each of this sandbox's processes, and of no other process."""
        return f"perfctl:{self.name}:{self.token}:"

    def mark_of(self, service: str) -> str:
        """The mark of one server."""
        return f"{self.mark}{service}"

    def log(self, service: str) -> Path:
        """Where a server writes what it has to say."""
        return self.folder / "logs" / f"{service}.log"

    def data(self, service: str) -> Path:
        """A server's own folder."""
        return self.folder / "data" / service

    def secret_file(self, name: str) -> Path:
        """The file that holds a password, made with a random one when it is not there."""
        path = self.folder / "secrets" / name
        if not path.is_file() or not path.read_text(encoding="utf-8").strip():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(path, secrets.token_urlsafe(24))
        return path

    def secret(self, name: str) -> str:
        """A password of this sandbox."""
        return self.secret_file(name).read_text(encoding="utf-8").strip()

    @property
    def place(self) -> Place:
        """Where PostgreSQL's files lie."""
        return Place(self.folder / "data" / "place", self.token)

    def make(self) -> None:
        """Make the folders, closed to others."""
        for folder in (self.home, self.folder, self.folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
