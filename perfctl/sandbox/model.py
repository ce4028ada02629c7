"""What `perfctl sandbox` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the sandbox."""

    service: str
    state: Literal["started", "running", "down", "failing"]
    """`started` by this call, `running` before it, `down`, or `failing`: it runs, but does not answer."""
    version: str | None
    endpoint: str | None
    pid: int | None
    ready_ms: float | None
    """From its start to its first good answer."""
    resident_bytes: int | None
    uptime_seconds: float | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SandboxUp:
    """All servers answer."""

    listing: ClassVar[str] = "rows"

    name: str
    context: str | None
    """None where the user has no place for a configuration file."""
    contexts: tuple[str, ...]
    """All that were written: its own first, then those of the parts that were asked for with --with."""
    config_file: str | None
    seeded: bool
    took_ms: float
    rows: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """How the servers are now."""

    listing: ClassVar[str] = "rows"

    name: str
    up: bool
    """Whether there is something, and all of it answers."""
    rows: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class SandboxEnvironment:
    """What a program needs to use the sandbox; the one output with secrets."""

    unwrapped: ClassVar[str] = "variables"

    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a server wrote."""

    service: str
    text: str


@dataclass(frozen=True, slots=True)
class SandboxLogs:
    """The last lines of the logs."""

    listing: ClassVar[str] = "rows"

    name: str
    rows: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class SandboxReset:
    """Servers that started anew on fresh data."""

    listing: ClassVar[str] = "rows"

    name: str
    dry_run: bool
    took_ms: float
    rows: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class SandboxDown:
    """What was ended and removed."""

    name: str
    ended: tuple[str, ...]
    orphans: int
    """Processes of this sandbox that no run remembered."""
    purged: bool
    took_ms: float
