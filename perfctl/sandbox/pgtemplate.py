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


def data_template(
    cache: Path, install: PostgresInstall, *, seeded: bool, log: Path, say: Callable[[str], None]
) -> Template:
    """The template for a server of this version; what seeding has to say goes to the log."""
    kind = "postgres-seeded" if seeded else "postgres-empty"
    token = f"{kind}-{_digest(str(cache))[:8]}"

    def fill(folder: Path) -> None:
        initialise(install, folder)
        if seeded:
            from perfctl.sandbox.seeding import seed_folder

            seed_folder(install, folder, mark=f"perfctl:template:{token}:", log=log)

    def build(target: Path) -> None:
        say(f"making the database template {kind}, once for all sandboxes: some seconds")
        _build_outside(Place(cache / f"{kind}.building", token), token, target, fill)

    return Template(cache, kind=kind, key=f"{install.version}-{_key(seeded)}", build=build)


def _build_outside(workshop: Place, token: str, target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder where the server's user can work, then copy it into the cache, which may be closed to that one."""
    reap(f"perfctl-{token}-", keep=())
    workshop.remove()
    try:
        folder = workshop.make() / "data"
        fill(folder)
        copy_tree(folder, target, uid=None)
    finally:
        workshop.remove()


def _key(seeded: bool) -> str:
    """All that the content depends on."""
    parts = [CONFIGURATION, ACCESS, DATABASE, OWNER]
    if seeded:
        from perfctl.sandbox.seed import SEED_VERSION

        parts.append(SEED_VERSION)
    return _digest("\0".join(parts))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
