"""One run of one command: settings, the one event loop, the answer on stdout, the exit code."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from perfctl.cli.chosen import REDIS_PREFIX, GlobalOptions, collected
from perfctl.cli.failure import note_run, safe
from perfctl.cli.log import logged
from perfctl.cli.signals import INTERRUPTS
from perfctl.cli.terminal import Terminal
from perfctl.errors import NotConfiguredError, RefusedError

if TYPE_CHECKING:
    from perfctl.cli.registered import Registered
    from perfctl.config import Settings
    from perfctl.optimizer import PerformanceOptimizer

_LOG = logging.getLogger("perfctl.run")

CLOSE_SECONDS = 5.0
"""How long the engines may take to close; a server that is gone must not hold up the end."""


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
            self._settings = self.settings_now()
            _LOG.info("context %s", self._settings.context)
            for warning in self._settings.warnings:
                self.warn(warning)
        return self._settings

    def settings_now(self) -> Settings:
        """The same read from the files and variables as they are now; this run's own stay what they were."""
        from perfctl.config import load_settings

        return load_settings(
            context=self.options.context,
            config_file=self.options.config,
            flags={
                "database.dsn": self.options.dsn,
                "cache.redis_url": self.options.redis_url,
                "cdn.distribution_id": self.options.distribution,
            },
        )

    @property
    def context_name(self) -> str:
        """The context's name for `meta.context`, without reading the configuration for its sake."""
        if self._settings is not None:
            return self._settings.context
        return self.options.context or os.environ.get("PERFCTL_CONTEXT") or "default"

    @property
    def contexts_to_choose(self) -> str:
        """The flags that would choose one, such as `-c sandbox`; empty where one is chosen, or there is none."""
        settings = self.settings
        is_chosen = settings.context != "default" or "default" in settings.contexts
        return "" if is_chosen else " or ".join(f"-c {name}" for name in settings.contexts[:3])

    @property
    def shared_lock(self) -> str | None:
        """The name of the lock on the context's Redis, where `--lock redis:NAME` wants one."""
        lock = self.options.lock
        return lock.removeprefix(REDIS_PREFIX) if lock is not None and lock.startswith(REDIS_PREFIX) else None

    @property
    def optimizer(self) -> PerformanceOptimizer:
        """The engines of this run, each built on first use and closed at its end."""
        if self._optimizer is None:
            from perfctl.optimizer import PerformanceOptimizer

            self._optimizer = PerformanceOptimizer.from_settings(
                _without_publishing(self.settings), timeout_seconds=self.options.timeout_seconds
            )
        return self._optimizer

    def warn(self, message: str) -> None:
        """Say it on stderr, and in the document's `warnings`; once, and without secrets."""
        text = safe(message)
        if not self.note(text) or self.options.holds_warnings:
            return
        self.terminal.say(_as_json(text) if self.options.log_format == "json" else f"warning: {text}")

    def note(self, warning: str) -> bool:
        """Keep it for the document's `warnings`; False where it is there already."""
        if warning in self.warnings:
            return False
        self.warnings.append(warning)
        return True

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
        """Close the engines that were built; one that cannot close in time is left."""
        if self._optimizer is not None:
            import asyncio

            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._optimizer.close(), CLOSE_SECONDS)


def _without_publishing(settings: Settings) -> Settings:
    """A command's own look-ups are not the application's, whose processes `metrics.publish` is meant for."""
    if not settings.metrics.publish:
        return settings
    from dataclasses import replace

    return replace(settings, metrics=replace(settings.metrics, publish=False))


def execute(ctx: Any, command: Registered, arguments: dict[str, Any]) -> None:
    """Run a command's function, show its answer, leave with its exit code."""
    run = Run(collected(ctx), command.words)
    if run.options.ci:
        from perfctl.cli.ci import refuse_without_checks

        refuse_without_checks(command)
    try:
        with INTERRUPTS.deadline(run.options.deadline_seconds), logged(run.options, run.note):
            _pause(run.options.jitter_seconds)
            with _file_locks(run):
                _show(run, *_timed(lambda: _answer(run, command.function, arguments)))
    except BaseException as error:
        note_run(error, run.context_name, run.warnings if run.options.holds_warnings else ())
        _name_contexts(run, error)
        raise
    for warning in run.warnings if run.options.holds_warnings else ():
        run.terminal.say(f"warning: {warning}")
    raise typer.Exit(run.exit_code)


def _name_contexts(run: Run, error: BaseException) -> None:
    """Where nothing is configured, for no context was chosen: let the error say which there are."""
    if isinstance(error, NotConfiguredError) and run.contexts_to_choose:
        error.hint = f"choose a context: {run.contexts_to_choose}; or {error.hint}"


def _pause(limit_seconds: float | None) -> None:
    """Wait for a random part of it."""
    if limit_seconds:
        import random

        time.sleep(random.uniform(0, limit_seconds))  # noqa: S311 - spreads load, hides nothing


@contextlib.contextmanager
def _file_locks(run: Run) -> Iterator[None]:
    """Hold this machine's lock where one is wanted: the one that was named, or with --cron one of its own."""
    name = run.options.lock
    if name is None and run.options.cron:
        name = "@".join([" ".join(run.words), run.options.context or os.environ.get("PERFCTL_CONTEXT") or "current"])
    if name is None or run.shared_lock is not None:
        yield
        return
    from perfctl.cli.lock import file_lock

    with file_lock(name):
        yield


def _timed(ask: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    answer = ask()
    return answer, (time.perf_counter() - started) * 1000


def _answer(run: Run, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if run.shared_lock is None and not inspect.iscoroutinefunction(function):
        return function(run, **arguments)
    from perfctl.cli.loop import run_in_loop

    return run_in_loop(_awaited(run, function, arguments))


async def _awaited(run: Run, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        async with contextlib.AsyncExitStack() as stack:
            if run.shared_lock is not None:
                from perfctl.cli.shared_lock import lock_of

                await stack.enter_async_context(lock_of(run.settings, run.shared_lock))
            if inspect.iscoroutinefunction(function):
                return await function(run, **arguments)
            import asyncio

            return await asyncio.to_thread(function, run, **arguments)
    finally:
        await run.close()


def _show(run: Run, result: Any, took_ms: float) -> None:
    """The answer on stdout, and to the CI; with --cron (and no output asked for) only when it is not "done"."""
    if result is None:
        return
    for target in run.options.ci:
        from perfctl.cli.ci import report_to

        report_to(target, result, run.words)
    if not (run.options.cron and run.options.output == "auto" and run.exit_code == 0):
        run.terminal.write(_shown(run, result, took_ms))
        _tell_truncation(run, result)


def _shown(run: Run, result: Any, took_ms: float) -> str:
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
        ascii_only=not run.terminal.has_lines,
    )


def _tell_truncation(run: Run, result: Any) -> None:
    """Outputs without a caption say on stderr that there is more."""
    from perfctl.document.envelope import or_more, shorten

    _, total, shown = shorten(result, run.options.limit)
    if shown < total and run.terminal.output in ("plain", "csv", "ndjson"):
        run.terminal.say(f"note: {shown} of {total}{or_more(result)} shown, --limit 0 shows all")


def _as_json(warning: str) -> str:
    import json

    return json.dumps({"level": "warning", "message": warning})
