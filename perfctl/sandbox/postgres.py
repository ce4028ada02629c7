"""PostgreSQL: its data from a template, its own password, its configuration, how it is asked."""

from __future__ import annotations

import signal
from functools import cached_property
from pathlib import Path
from typing import Any

from perfctl.errors import ServiceError
from perfctl.sandbox.ipc import remove_segment
from perfctl.sandbox.pgdata import DATABASE, OWNER, ServerData, set_password
from perfctl.sandbox.pginstall import PostgresInstall, find_install
from perfctl.sandbox.pgtemplate import data_template
from perfctl.sandbox.place import remove_tree, server_uid
from perfctl.sandbox.ports import HOST, is_listening
from perfctl.sandbox.service import Command, NotReadyError, Service
from perfctl.sandbox.site import Site
from perfctl.sandbox.template import Template

STATEMENTS = "pg_stat/pg_stat_statements.stat"
"""Where a server that ends in peace writes its counted statements; it reads and removes the file at its start."""


class PostgresPart:
    """The database server."""

    name = "postgres"

    def __init__(self, site: Site, *, seeded: bool) -> None:
        self._site = site
        self.services: tuple[Service, ...] = (Postgres(site, "postgres", seeded=seeded),)

    def environment(self) -> dict[str, str]:
        """DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD."""
        return {
            "DB_HOST": HOST,
            "DB_PORT": str(self._site.ports["postgres"]),
            "DB_NAME": DATABASE,
            "DB_USER": OWNER,
            "DB_PASSWORD": self._site.secret("postgres"),
        }

    def contexts(self) -> dict[str, dict[str, Any]]:
        """The database section."""
        section = {
            "host": HOST,
            "port": self._site.ports["postgres"],
            "database": DATABASE,
            "username": OWNER,
            "password": {"file": str(self._site.secret_file("postgres"))},
        }
        return {"": {"database": section}}


class Postgres:
    """A server on its own copy of the template."""

    after: tuple[str, ...] = ()
    stop_signal = signal.SIGQUIT
    """Immediate: what it would still write is thrown away, or recovered from its log at the next start."""

    def __init__(self, site: Site, name: str, *, seeded: bool) -> None:
        self.name = name
        self.ports: tuple[str, ...] = (name,)
        self._site = site
        self._seeded = seeded

    @cached_property
    def install(self) -> PostgresInstall:
        """The programs, where the server's user can reach them."""
        return find_install(self._site.place.make())

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._site.ports[self.name]

    @property
    def folder(self) -> Path:
        """The server's data folder."""
        return self._site.place.make() / self.name

    def version(self) -> str:
        """`PostgreSQL 18.6`."""
        return f"PostgreSQL {self.install.version}"

    def endpoint(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    def provide(self) -> None:
        """Make the template, the first time on this machine; copy it, the first time in this sandbox."""
        if not self.folder.is_dir():
            self.populate()

    def prepare(self) -> None:
        """Write the configuration; a killed server lost what it had counted, and counts on from the template's."""
        self.forget_killed()
        ServerData(self.folder).configure(self.port)
        counted = self.folder / STATEMENTS
        if not counted.exists():
            self._template.copy_file(STATEMENTS, counted, uid=server_uid())

    def forget_killed(self) -> None:
        """Remove what a killed server leaves: its segment of memory, and the lock file that an unreaped pid keeps."""
        lock_file = self.folder / "postmaster.pid"
        remove_segment(lock_file)
        lock_file.unlink(missing_ok=True)

    def populate(self) -> None:
        """Fill the data folder, with this sandbox's password; it appears whole or not at all."""
        fresh = self.folder.with_name(f"{self.name}.fresh")
        self._template.copy_to(fresh, uid=server_uid())
        set_password(self.install, fresh, self._site.secret("postgres"))
        fresh.rename(self.folder)

    def command(self) -> Command:
        """The postmaster; its mark is the cluster's name, which its children show, too."""
        mark = f"cluster_name={self._site.mark_of(self.name)}"
        argv = (str(self.install.bin / "postgres"), "-D", str(self.folder), "-c", mark)
        return Command(argv, cwd=self.folder.parent, environ=self.install.environ, uid=server_uid())

    def probe(self) -> None:
        """SELECT 1 as the owner, over TCP, with the password."""
        if not is_listening(self.port):
            raise NotReadyError("nobody listens")
        answer = self.query("SELECT 1")
        if answer != "1":
            raise NotReadyError(f"SELECT 1 answered {answer!r}")

    def query(self, sql: str) -> str:
        """What one statement returns, unaligned. NotReadyError when it cannot be asked."""
        environ = {"PGPASSWORD": self._site.secret("postgres"), "PGCONNECT_TIMEOUT": "5"}
        target = ("-h", HOST, "-p", str(self.port), "-U", OWNER, "-d", DATABASE)
        try:
            return self.install.run("psql", "-XqAt", *target, "-c", sql, environ=environ).strip()
        except ServiceError as error:
            raise NotReadyError(error.message) from error

    @property
    def _template(self) -> Template:
        log, say = self._site.log("seed"), self._site.say
        return data_template(self._site.cache, self.install, seeded=self._seeded, log=log, say=say)

    def discard(self) -> None:
        """Remove its data, and what a killed server leaves in memory; what is killed here leaves no half a folder."""
        place = self._site.place.find()
        if place is not None:
            self.forget_killed()
            going = place / f"{self.name}.gone"
            remove_tree(going)
            if (place / self.name).is_dir():
                (place / self.name).rename(going)
            for folder in (going, place / f"{self.name}.fresh"):
                remove_tree(folder)
