"""One run of one command: settings, the one asyncio.run, the answer on stdout, the exit code."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from perfctl.cli.options import GlobalOptions, collected
from perfctl.cli.terminal import Terminal
from perfctl.errors import RefusedError, TimedOutError

if TYPE_CHECKING:
    from perfctl.config import Settings
    from perfctl.optimizer import PerformanceOptimizer


class Run:
    """What a command has at hand: the options, the settings, the engines, and a way to say "no"."""

    def __init__(self, options: GlobalOptions, words: tuple[str, ...]) -> None:
        self.options = options
        self.words = words
        self.terminal = Terminal.of(options)
        self.warnings: list[str] = []
        self.exit_code = 0
        self._settings: Settings | None = None
        self._optimizer: PerformanceOptimizer | None = None

    @property
    def settings(self) -> Settings:
        """The configuration of this run's context, read on first use. ConfigError where it is invalid."""
        if self._settings is None:
            from perfctl.config import load_settings

            self._settings = load_settings(
                context=self.options.context,
                config_file=self.options.config,
                flags={"database.dsn": self.options.dsn, "cache.redis_url": self.options.redis_url},
            )
            for warning in self._settings.warnings:
                self.warn(warning)
        return self._settings

    @property
    def context_name(self) -> str:
        """The context's name for `meta.context`, without reading the configuration for its sake."""
        if self._settings is not None:
            return self._settings.context
        return self.options.context or os.environ.get("PERFCTL_CONTEXT") or "default"

    @property
    def optimizer(self) -> PerformanceOptimizer:
        """The engines of this run, each built on first use and closed at its end."""
        if self._optimizer is None:
            from perfctl.optimizer import PerformanceOptimizer

            self._optimizer = PerformanceOptimizer.from_settings(
                self.settings, timeout_seconds=self.options.timeout_seconds
            )
        return self._optimizer

    def warn(self, message: str) -> None:
        """Say it on stderr, and in the document's `warnings`."""
        if message not in self.warnings:
            self.warnings.append(message)
            self.terminal.say(f"warning: {message}")

    def refuse_when_read_only(self, action: str) -> None:
        """Return when this context allows effects. RefusedError (exit 7) when it is `read_only`."""
        if self.settings.read_only:
            raise RefusedError(
                f"{action}: context {self.settings.context!r} is read_only", hint="choose another context with -c"
            )

    def exit(self, code: int) -> None:
        """The exit code of an answer that is a "no" (1) or that is partly done (6)."""
        self.exit_code = code

    async def close(self) -> None:
        """Close the engines that were built."""
        if self._optimizer is not None:
            await self._optimizer.close()


def execute(ctx: Any, words: tuple[str, ...], function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    """Run a command's function, show its answer, leave with its exit code."""
    run = Run(collected(ctx), words)
    started = time.perf_counter()
    result = _answer(run, function, arguments)
    took_ms = (time.perf_counter() - started) * 1000
    run.terminal.write(_shown(run, result, took_ms))
    raise typer.Exit(run.exit_code)


def _answer(run: Run, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if not inspect.iscoroutinefunction(function):
        return function(run, **arguments)
    import asyncio

    return asyncio.run(_awaited(run, function, arguments))


async def _awaited(run: Run, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    import asyncio

    deadline = run.options.deadline_seconds
    try:
        async with asyncio.timeout(deadline):
            return await function(run, **arguments)
    except TimeoutError as error:
        raise TimedOutError(f"the run took longer than --deadline {deadline:g}s", where="--deadline") from error
    finally:
        await run.close()


def _shown(run: Run, result: Any, took_ms: float) -> str:
    if result is None:
        return ""
    from perfctl.render.show import show

    return show(
        result,
        words=run.words,
        output=run.terminal.output,
        context=run.context_name,
        limit=run.options.limit,
        took_ms=took_ms,
        warnings=tuple(run.warnings),
        colour=run.terminal.colour,
        width=run.terminal.width,
    )
