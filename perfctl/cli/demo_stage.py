"""Where the demo plays: folders of its own, commands run as a reader would type them, answers asked for."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfctl.cli.terminal import Terminal
from perfctl.config import load_settings
from perfctl.errors import PerfctlError
from perfctl.optimizer import PerformanceOptimizer

CONTEXT = "sandbox"


class NotAsExpectedError(Exception):
    """A step that did not show what it should."""


@dataclass(frozen=True, slots=True)
class Step:
    """A title, a sentence for the reader, and what happens."""

    title: str
    says: str
    play: Callable[[Stage], None]


class Stage:
    """Runs commands in an environment of its own; nothing of the user's configuration or state is touched."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self.folder = folder
        self.is_told = terminal.output in ("table", "plain")
        self._terminal = terminal
        own = {"XDG_STATE_HOME": folder / "state", "XDG_CONFIG_HOME": folder / "config"}
        kept = {name: value for name, value in os.environ.items() if not _speaks_of_servers(name)}
        self.environment = {**kept, **{name: str(path) for name, path in own.items()}}
        self.environment["COLUMNS"] = str(terminal.width)
        self._number = 0

    def play(self, step: Step) -> str | None:
        """Play a step; what was not as expected, or None."""
        self._number += 1
        self.tell(f"\n{self._number}. {step.title}\n   {step.says}\n")
        try:
            step.play(self)
        except (NotAsExpectedError, PerfctlError) as problem:
            self.tell(f"   NOT AS EXPECTED: {problem}\n")
            return str(problem)
        return None

    def tell(self, text: str) -> None:
        """Say it to the reader, when there is one."""
        if self.is_told:
            self._terminal.write_piece(text)

    def show(self, *words: str) -> str:
        """Run a command as the reader would, show its line and what it prints."""
        self.tell(f"\n$ perfctl {shlex.join(words)}\n")
        colour = "always" if self._terminal.colour else "never"
        done = self._run("-o", "table", "--color", colour, *words)
        self.tell(done.stdout + done.stderr)
        expect(done.returncode == 0, _left(words, done))
        return done.stdout

    def ask(self, *words: str) -> Any:
        """The `data` of a command's document, for checking; nothing is shown."""
        done = self._run("-o", "json", *words)
        expect(done.returncode in (0, 1, 6), _left(words, done))
        return json.loads(done.stdout)["data"]

    def code(self, source: str, function: Callable[[PerformanceOptimizer], Awaitable[None]]) -> None:
        """Show a piece of an application's code, and run it."""
        self.tell("\n" + "".join(f"    {line}\n" for line in source.strip("\n").splitlines()))
        asyncio.run(self._apply(function))

    def leave(self) -> None:
        """Take down what may still be up."""
        self._run("sandbox", "down")

    async def _apply(self, function: Callable[[PerformanceOptimizer], Awaitable[None]]) -> None:
        settings = load_settings(context=CONTEXT, environ=self.environment)
        async with PerformanceOptimizer.from_settings(settings) as performance_optimizer:
            await function(performance_optimizer)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "perfctl", *words]
        return subprocess.run(  # noqa: S603 - our own command line
            command,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def expect(condition: bool, problem: str) -> None:
    """Raise NotAsExpectedError with the problem unless the condition holds."""
    if not condition:
        raise NotAsExpectedError(problem)


def _left(words: tuple[str, ...], done: subprocess.CompletedProcess[str]) -> str:
    return f"perfctl {shlex.join(words)} left with {done.returncode}: {done.stderr.strip()}"


def _speaks_of_servers(name: str) -> bool:
    """Whether a variable would lead the demo to servers that are not its own."""
    return name.startswith(("PERFCTL_", "REDIS_", "DB_", "PG", "AWS_", "CLOUDFRONT_", "CDN_")) or name == "DATABASE_URL"
