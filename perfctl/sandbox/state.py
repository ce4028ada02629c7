"""What a sandbox remembers: which servers it started, on which ports, in which folders; written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perfctl.sandbox.process import Process


@dataclass(frozen=True, slots=True)
class Started:
    """A server that was started: who it is, and what it is."""

    process: Process
    version: str
    ready_ms: float | None = None
    """None until it answered for the first time."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that has to outlive a run of perfctl."""

    ports: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    """The parts that are up, or should be."""
    seeded: bool = False
    servers: Mapping[str, Started] = field(default_factory=dict)

    def with_server(self, name: str, started: Started | None) -> State:
        """The state with one server started, or (None) gone."""
        others = {other: known for other, known in self.servers.items() if other != name}
        return dataclasses.replace(self, servers=others if started is None else {**others, name: started})


def load(path: Path) -> State:
    """The state that was saved; an empty one where there is none, or nothing that can be read."""
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return State()


def save(path: Path, state: State) -> None:
    """Replace the file in one step, readable by its owner alone."""
    text = json.dumps(dataclasses.asdict(state), indent=2) + "\n"
    write_private(path, text)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, in one step."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def _parsed(fields: Any) -> State:
    return State(
        ports={str(role): _port(port) for role, port in fields["ports"].items()},
        parts=tuple(str(part) for part in fields["parts"]),
        seeded=bool(fields["seeded"]),
        servers={str(name): _started(server) for name, server in fields["servers"].items()},
    )


def _port(number: Any) -> int:
    if not 0 < int(number) < 65536:
        raise ValueError(number)
    return int(number)


def _started(fields: Any) -> Started:
    process = Process(pid=int(fields["process"]["pid"]), started=float(fields["process"]["started"]))
    ready_ms = fields["ready_ms"]
    return Started(process, str(fields["version"]), None if ready_ms is None else float(ready_ms))
