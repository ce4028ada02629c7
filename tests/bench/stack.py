"""A sandbox of its own for a bench: up on entry, down on leaving, nothing of the user's touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType


class Stack:
    """`with Stack(folder) as stack: stack.perfctl("cache", "stats")`."""

    name = "bench"

    def __init__(self, folder: Path, *options: str) -> None:
        own = {"XDG_STATE_HOME": folder / "state", "XDG_CONFIG_HOME": folder / "config"}
        self.environment = {**os.environ, **{name: str(path) for name, path in own.items()}}
        self._options = options

    def __enter__(self) -> Stack:
        self.perfctl("sandbox", "up", "--name", self.name, *self._options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.perfctl("sandbox", "down", "--name", self.name)

    def perfctl(self, *words: str) -> str:
        """What a command prints; RuntimeError with what it said when it fails."""
        command = [sys.executable, "-m", "perfctl", "-c", self.name, *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} left with {done.returncode}: {done.stderr}")
        return done.stdout
