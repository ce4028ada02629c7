"""`perfctl serve`: the engines over HTTP, with a dashboard."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run
from perfctl.errors import MissingExtraError

if TYPE_CHECKING:
    import asyncio

group = CommandGroup()


@dataclass(frozen=True, slots=True)
class Serving:
    """Where it can be called; with -o json on stdout, as soon as it can."""

    url: str
    dashboard: str
    documentation: str


@group.command("serve", example="perfctl serve --port 8080")
def serve(
    run: Run,
    host: Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen (api.host).")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="Its port (api.port); 0: a free one.")
    ] = None,
) -> Serving | None:
    """Answer over HTTP what the commands answer, show the dashboard, record and watch; until Ctrl-C or SIGTERM.

    On this machine whoever is here may read; each POST needs a token (PERFCTL_API_TOKEN). Another address than this
    machine's is refused without one. It measures into the history and evaluates alerts meanwhile. What was begun when
    it is told to end is answered to its end. SIGHUP has the tokens read again, from the files they come from, where
    it was not started at a terminal: that ends it when it goes away.
    """
    from perfctl.cli.loop import run_in_loop
    from perfctl.document.envelope import Meta, dumps, envelope

    settings = run.settings
    where = (host if host is not None else settings.api.host, port if port is not None else settings.api.port)
    try:
        from perfctl.api.serving import serve as answer
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "httptools", "uvloop"):
            raise
        raise MissingExtraError("api", needed_for="perfctl serve") from error

    def told(address: str) -> None:
        serving = Serving(address, f"{address}/performance/", f"{address}/docs/performance")
        run.terminal.say(f"serving context {settings.context} at {serving.dashboard}")
        run.terminal.say(f"documentation: {serving.documentation}")
        if run.terminal.output in ("json", "ndjson"):
            meta = Meta(settings.context, 1, 1, truncated=False, took_ms=0.0)
            run.terminal.write(dumps(envelope(run.words, serving, meta, tuple(run.warnings))) + "\n")

    async def work() -> None:
        gc.set_threshold(*_GARBAGE)
        try:
            await answer(
                settings,
                optimizer=run.optimizer,
                host=where[0],
                port=where[1],
                told=told,
                warn=run.warn,
                read=None if sys.stdin and sys.stdin.isatty() else run.settings_now,
            )
        finally:
            await run.close()

    run_in_loop(work(), new_loop=_loop())
    return None


_GARBAGE = (700, 10, 10)
"""A process that stays looks for garbage as Python does, and not as seldom as a command that soon ends."""


def _loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's, which takes half of the time; there is none for Windows."""
    import asyncio

    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    made: Callable[[], asyncio.AbstractEventLoop] = new_event_loop
    return made
