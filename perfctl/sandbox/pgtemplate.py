"""The cached data folders that new sandboxes start from: an empty database, and a seeded one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from perfctl.sandbox.orphans import reap
from perfctl.sandbox.pgdata import ACCESS, CONFIGURATION, DATABASE, OWNER, initialise
from perfctl.sandbox.pginstall import PostgresInstall
from perfctl.sandbox.place import Place
from perfctl.sandbox.template import Template, copy_tree

_EDITION = "1"
"""Raise it when templates have to be made anew for a reason that their key does not hold."""


def data_template(
    cache: Path, install: PostgresInstall, *, seeded: bool, log: Path, say: Callable[[str], None]
) -> Template:
    """The template for a server of this version; what seeding has to say goes to the log."""
    kind = "postgres-seeded" if seeded else "postgres-empty"
    workshop = _Workshop(cache, kind)

    def fill(folder: Path) -> None:
        initialise(install, folder)
        if seeded:
            from perfctl.sandbox.seeding import seed_folder

            seed_folder(install, folder, mark=workshop.mark, log=log)

    def build(target: Path) -> None:
        say(f"making the database template {kind}, once for all sandboxes: some seconds")
        workshop.make(target, fill)

    return Template(cache, kind=kind, key=f"{install.version}-{_key(seeded)}", build=build)


class _Workshop:
    """Where the server's user can fill a folder for the cache, which may be closed to that one."""

    def __init__(self, cache: Path, kind: str) -> None:
        token = f"{kind}-{_digest(str(cache))[:8]}"
        self.mark = f"perfctl:template:{token}:"
        self._marks = (self.mark, f"perfctl-{token}-", f"{cache}/{kind}.building")
        self._place = Place(cache / f"{kind}.building", token)

    def make(self, target: Path, fill: Callable[[Path], None]) -> None:
        """Fill a folder and copy it into the cache; what a killed run left is ended and removed first."""
        for mark in self._marks:
            reap(mark, keep=())
        self._place.remove()
        try:
            folder = self._place.make() / "data"
            fill(folder)
            copy_tree(folder, target, uid=None)
        finally:
            self._place.remove()


def _key(seeded: bool) -> str:
    """All that the content depends on."""
    parts = [_EDITION, CONFIGURATION, ACCESS, DATABASE, OWNER]
    if seeded:
        from perfctl.sandbox.seed import SEED_VERSION

        parts.append(SEED_VERSION)
    return _digest("\0".join(parts))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
