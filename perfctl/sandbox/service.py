"""What the supervisor has to know of a server, and what a part of the sandbox is made of."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class NotReadyError(Exception):
    """The server does not answer, or not yet as it should; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Command:
    """How a server is started: an argument vector that carries the sandbox's mark, and as whom."""

    argv: tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    uid: int | None = None
    """None: as the caller."""


class Service(Protocol):
    """One server process."""

    @property
    def name(self) -> str:
        """`valkey`, `postgres`, `cluster-1`: also the name of its log."""

    @property
    def ports(self) -> tuple[str, ...]:
        """The roles of the ports it listens on, the first one for its users."""

    @property
    def after(self) -> tuple[str, ...]:
        """The services that must answer before this one is prepared."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What ends it soonest without harm."""

    def version(self) -> str:
        """The program and its version: `Valkey 9.1.2`."""

    def provide(self) -> None:
        """Make what takes long; done for all servers before the first one starts."""

    def prepare(self) -> None:
        """Write its files; safe to repeat."""

    def command(self) -> Command:
        """How to start what was prepared."""

    def probe(self) -> None:
        """Ask it something real; NotReadyError while it does not answer as it should."""

    def endpoint(self) -> str:
        """Where it answers, without a password."""

    def discard(self) -> None:
        """Remove its data; it is not running."""


class Part(Protocol):
    """Servers that come and go together, and what their users need to know."""

    @property
    def name(self) -> str:
        """As in `--with cluster`."""

    @property
    def services(self) -> tuple[Service, ...]:
        """Its servers, in the order in which they start."""

    def environment(self) -> dict[str, str]:
        """The variables of `sandbox env`, secrets in the clear."""

    def contexts(self) -> dict[str, dict[str, Any]]:
        """What it adds to configuration contexts: suffix (empty: the sandbox's own) -> section -> key -> value."""
