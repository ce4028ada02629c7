"""One sandbox from `up` to `down`: every step under its lock, and written down before the next one."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from perfctl.config.discover import user_file
from perfctl.errors import ConfigError, UnreachableError, UsageError
from perfctl.folders import cache_home, state_home
from perfctl.sandbox import contexts
from perfctl.sandbox import parts as table
from perfctl.sandbox.lock import held
from perfctl.sandbox.model import Server
from perfctl.sandbox.orphans import reap
from perfctl.sandbox.ports import is_free, settle
from perfctl.sandbox.process import is_running, resident_bytes, uptime_seconds
from perfctl.sandbox.service import NotReadyError, Part, Service
from perfctl.sandbox.site import Site
from perfctl.sandbox.state import Started, State, load, save
from perfctl.sandbox.supervisor import StartFailedError, Supervisor

_ATTEMPTS = 3
"""How often a server is started when somebody takes its port between the look and the start."""


@dataclasses.dataclass(frozen=True, slots=True)
class Up:
    """What `up` came to."""

    servers: tuple[Server, ...]
    config_file: Path | None
    """None: the user has no place for a file."""
    contexts: tuple[str, ...]
    """Those in the file, the sandbox's own first."""
    seeded: bool


class Sandbox:
    """The servers of one name. Methods block; nothing is kept in memory between them."""

    def __init__(
        self, name: str, *, environ: Mapping[str, str] = os.environ, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self._environ = environ
        state, cache = state_home(environ).absolute(), cache_home(environ).absolute()
        self.site = Site(name, state_home=state, cache=cache, say=say)
        self._state = State()
        self._supervisor = Supervisor(log_of=self.site.log, record=self._remember, say=say)

    def up(self, *, optional: Collection[str] = (), seeded: bool = True) -> Up:
        """Start what is not running, mend what does not answer, write the context; all servers answer."""
        with self._locked():
            self._recall()
            wanted = {*table.ALWAYS, *self._known_parts(), *_checked(optional)}
            state = dataclasses.replace(self._state, parts=tuple(name for name in table.PARTS if name in wanted))
            is_new = not self._state.parts
            self._keep(dataclasses.replace(state, seeded=seeded if is_new else state.seeded))
            rows = self._brought_up()
            config_file = contexts.write(self.site.name, self._parts(), environ=self._environ)
            names = contexts.names_of(self.site.name, self._parts()) if config_file else ()
            return Up(rows, config_file, names, self._state.seeded)

    def status(self) -> tuple[Server, ...]:
        """Every server that should run, asked now; empty when the sandbox is down."""
        self._recall()
        return tuple(self._looked_at(service) for service in table.services_of(self._parts()))

    def environment(self) -> dict[str, str]:
        """The variables that lead a program to the servers. UnreachableError when the sandbox is down."""
        self._recall()
        self._require_up()
        return {name: value for part in self._parts() for name, value in part.environment().items()}

    def reset(self, *, seeded: bool = True) -> tuple[Server, ...]:
        """Start all servers anew on fresh data, at the same addresses with the same passwords."""
        with self._locked():
            self._recall()
            self._require_up()
            self._end_all()
            reap(self.site.mark, keep=())
            for service in table.services_of(self._parts()):
                service.discard()
            self._keep(dataclasses.replace(self._state, seeded=seeded))
            return self._brought_up()

    def down(self, *, purge: bool = False) -> tuple[tuple[str, ...], int]:
        """End everything and remove all data; addresses and passwords stay, unless purged. What ended, and orphans."""
        with self._locked():
            self._recall()
            ended = self._end_all()
            orphans = reap(self.site.mark, keep=())
            self._clear(purge=purge)
            return ended, orphans

    def logs(self, service: str | None) -> dict[str, Path]:
        """The log of each server, or of one. UsageError for a server that this sandbox never had."""
        folder = self.site.folder / "logs"
        found = {path.stem: path for path in sorted(folder.glob("*.log"))}
        if service is None:
            return found
        if service not in found:
            known = ", ".join(found) or f"none yet: perfctl sandbox up --name {self.site.name}"
            raise UsageError(f"no log of {service!r} in sandbox {self.site.name!r}", hint=f"there is {known}")
        return {service: found[service]}

    def has_context(self) -> bool:
        """Whether `up` had a place to write the context to."""
        return user_file(self._environ) is not None

    def service_names(self) -> list[str]:
        """The servers that should run. UnreachableError where there was never a sandbox of this name."""
        self._require_known()
        self._recall()
        return [service.name for service in table.services_of(self._parts())]

    def _brought_up(self) -> tuple[Server, ...]:
        services = table.services_of(self._parts())
        answering = self._sift(services)
        reap(self.site.mark, keep=[started.process for started in self._state.servers.values()])
        missing = [service for service in services if service.name not in answering]
        self._start(missing, answering)
        fresh = {service.name for service in missing}
        return tuple(self._described(each, "started" if each.name in fresh else "running") for each in services)

    def _sift(self, services: list[Service]) -> set[str]:
        """The names of those that run and answer; those that run and do not answer are ended."""
        alive = {service for service in services if self._is_running(service)}
        well = {service for service in alive if _problem_of(service) is None}
        sick = {service: self._state.servers[service.name].process for service in alive - well}
        self._supervisor.stop(sick)
        gone = set(self._state.servers) - {service.name for service in well}
        for name in gone:
            self._remember(name, None)
        return {service.name for service in well}

    def _start(self, missing: list[Service], answering: set[str]) -> None:
        before = dict(self._state.servers)
        for attempt in range(1, _ATTEMPTS + 1):
            self._settle_ports(missing)
            try:
                return self._supervisor.start(missing, answering=answering)
            except BaseException as error:
                self._undo(before, missing)
                if attempt == _ATTEMPTS or not self._was_robbed(error):
                    raise
        return None

    def _was_robbed(self, error: BaseException) -> bool:
        """Whether a server failed because somebody took its port between our look and its start."""
        return isinstance(error, StartFailedError) and any(
            not is_free(self.site.ports[role]) for role in error.service.ports
        )

    def _undo(self, before: Mapping[str, Started], services: list[Service]) -> None:
        """End what this call started."""
        fresh = {name: started for name, started in self._state.servers.items() if name not in before}
        self._supervisor.stop({each: fresh[each.name].process for each in services if each.name in fresh})
        reap(self.site.mark, keep=[started.process for started in before.values()])

    def _settle_ports(self, services: list[Service]) -> None:
        roles = [role for service in services for role in service.ports]
        ports = settle(self._state.ports, roles, avoid=self._ports_of_others())
        self._keep(dataclasses.replace(self._state, ports=ports))

    def _ports_of_others(self) -> set[int]:
        files = [path for path in self._state_files() if path != self.site.state_file]
        return {port for path in files for port in load(path).ports.values()}

    def _state_files(self) -> list[Path]:
        return list(self.site.home.glob("*/state.json"))

    def _end_all(self) -> tuple[str, ...]:
        services = table.services_of(self._parts())
        running = {each: self._state.servers[each.name].process for each in services if self._is_running(each)}
        self._supervisor.stop(running)
        return tuple(service.name for service in running)

    def _clear(self, *, purge: bool) -> None:
        for service in table.services_of(self._parts()):
            service.discard()
        self.site.place.remove()
        shutil.rmtree(self.site.folder / "data", ignore_errors=True)
        if purge:
            shutil.rmtree(self.site.folder, ignore_errors=True)
            contexts.remove(self.site.name, ("", *(f"-{name}" for name in table.OPTIONAL)), environ=self._environ)
        elif self.site.folder.is_dir():
            self._keep(State(ports=self._state.ports))

    def _looked_at(self, service: Service) -> Server:
        if not self._is_running(service):
            known = service.name in self._state.servers
            return self._described(service, "down", "it died" if known else "it was not started")
        problem = _problem_of(service)
        return self._described(service, "failing" if problem else "running", problem)

    def _described(
        self, service: Service, state: Literal["started", "running", "down", "failing"], problem: str | None = None
    ) -> Server:
        known = self._state.servers.get(service.name)
        process = known.process if known and state != "down" else None
        return Server(
            service=service.name,
            state=state,
            version=known.version if known else None,
            endpoint=service.endpoint() if self._is_settled(service) else None,
            pid=process.pid if process else None,
            ready_ms=known.ready_ms if known else None,
            resident_bytes=resident_bytes(process) if process else None,
            uptime_seconds=uptime_seconds(process) if process else None,
            problem=problem,
        )

    def _is_running(self, service: Service) -> bool:
        known = self._state.servers.get(service.name)
        return known is not None and is_running(known.process, self.site.mark_of(service.name))

    def _is_settled(self, service: Service) -> bool:
        return all(role in self._state.ports for role in service.ports)

    def _parts(self) -> list[Part]:
        return table.build(self.site, self._known_parts(), seeded=self._state.seeded)

    def _known_parts(self) -> tuple[str, ...]:
        return tuple(name for name in self._state.parts if name in table.PARTS)

    def _require_known(self) -> None:
        if not self.site.folder.is_dir():
            name, others = self.site.name, ", ".join(sorted(path.parent.name for path in self._state_files()))
            raise UnreachableError(
                f"there is no sandbox {name!r}",
                hint=f"perfctl sandbox up --name {name} makes it" + (f"; there is {others}" if others else ""),
            )

    def _require_up(self) -> None:
        self._require_known()
        if not self._state.parts or not all(map(self._is_settled, table.services_of(self._parts()))):
            name = self.site.name
            raise UnreachableError(f"sandbox {name!r} is down", hint=f"perfctl sandbox up --name {name}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        what = f"sandbox {self.site.name!r}"
        try:
            with held(self.site.lock_file, what=what):
                yield
        except OSError as error:
            raise ConfigError(
                f"{what}: {error.filename or self.site.folder}: {error.strerror or error}",
                hint="make room there or mend its rights; PERFCTL_STATE_DIR and TMPDIR name other folders",
            ) from error

    def _recall(self) -> None:
        self._state = load(self.site.state_file)
        self.site.ports = self._state.ports

    def _keep(self, state: State) -> None:
        self.site.make()
        save(self.site.state_file, state)
        self._state = state
        self.site.ports = state.ports

    def _remember(self, name: str, started: Started | None) -> None:
        self._keep(self._state.with_server(name, started))


def _problem_of(service: Service) -> str | None:
    try:
        service.probe()
    except NotReadyError as error:
        return str(error)
    return None


def _checked(optional: Collection[str]) -> list[str]:
    for name in optional:
        if name not in table.OPTIONAL:
            raise UsageError(
                f"--with: {name!r} is not a part of the sandbox",
                hint=f"it is one of {', '.join(table.OPTIONAL)}",
                where="--with",
            )
    return list(optional)
