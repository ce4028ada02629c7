"""A command group that only the tests know, with one command for each way a run may go.

`python -m tests.cli.frame frame rows 3` is perfctl with this group beside its own.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import typer

from perfctl import errors
from perfctl.cli import app, entries
from perfctl.cli.command import CommandGroup
from perfctl.cli.planner import DryRun, MaxAffected, Plan, confirm
from perfctl.cli.process import run as run_line
from perfctl.cli.run import Run
from perfctl.diagnosis import Check, Diagnosis, diagnose

ROOT = Path(__file__).parents[2]
SECRET = "hunter2-canary"

group = CommandGroup("frame", help="Every way a run may go.")


@dataclass(frozen=True, slots=True)
class Stock:
    """A row with every kind of value."""

    symbol: str
    sector: str | None
    price_usd: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class Stocks:
    """Rows, as a command lists them."""

    listing: ClassVar[str] = "rows"

    rows: tuple[Stock, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was done."""

    done: str
    count: int


@group.command("rows", example="perfctl frame rows 3")
def rows(run: Run, count: Annotated[int, typer.Argument(help="How many.", min=0)]) -> Stocks:
    """List so many rows."""
    return Stocks(tuple(Stock(f"S{i:04}", None if i % 3 == 2 else "energy", i * 1.5, i % 2 == 0) for i in range(count)))


@group.command("hostile", example="perfctl frame hostile")
def hostile(run: Run) -> Stocks:
    """List rows that try to move the cursor, forge lines and turn the reading order."""
    names = (
        "\x1b[2J\x1b]0;owned\x07",
        "a\nerror: forged",
        "\u202egnp.exe",
        'say "hi", bye',
        "naïve 東京 🎉",
        "a\rb\x00\x9b1m",
    )
    return Stocks(tuple(Stock(name, name, 1.0, True) for name in names))


@group.command("answer", example="perfctl frame answer 1")
def answer(run: Run, code: int) -> Told:
    """Answer with an exit code."""
    run.exit(code)
    return Told("answered", code)


@group.command("fail", example="perfctl frame fail AuthError")
def fail(run: Run, kind: str) -> Told:
    """Fail in a way of perfctl.errors."""
    raise getattr(errors, kind)(f"made to fail: {kind}", hint="ask for less", where="perfctl.yaml:3:7")


@group.command("crash", example="perfctl frame crash x")
def crash(run: Run, message: str) -> Told:
    """Fail in a way that nobody expected."""
    raise ValueError(f"{message}\nredis://app:{SECRET}@cache.internal:6379")


@group.command("warn", example="perfctl frame warn")
def warn(run: Run, fails: Annotated[bool, typer.Option("--fail")] = False) -> Told:
    """Warn through a logger, and through the run; then fail, if that is wanted."""
    logging.getLogger("perfctl.frame").warning("slow: %s ms, postgresql://app:%s@db/app", 12, SECRET)
    logging.getLogger("perfctl.frame").info("looked twice")
    run.warn("half of it is old")
    if fails:
        raise errors.ServiceError("made to fail")
    return Told("warned", 2)


@group.command("wait", example="perfctl frame wait 5")
async def wait(run: Run, seconds: float, mark: Annotated[Path | None, typer.Option()] = None) -> Told:
    """Wait in the event loop, and clean up."""
    try:
        if mark:
            mark.with_suffix(".begun").touch()
        await asyncio.sleep(seconds)
    finally:
        if mark:
            mark.touch()
    return Told("waited", 1)


@group.command("nap", example="perfctl frame nap 5")
def nap(run: Run, seconds: float, mark: Annotated[Path | None, typer.Option()] = None) -> Told:
    """Wait without an event loop, and clean up."""
    try:
        if mark:
            mark.with_suffix(".begun").touch()
        time.sleep(seconds)
    finally:
        if mark:
            mark.touch()
    return Told("napped", 1)


@group.command("stubborn", example="perfctl frame stubborn 5")
def stubborn(
    run: Run, seconds: Annotated[float, typer.Argument()], mark: Annotated[Path, typer.Option("--mark")]
) -> Told:
    """Sleep, and clean up for as long."""
    mark.with_suffix(".begun").touch()
    try:
        time.sleep(seconds)
    finally:
        time.sleep(seconds)
    return Told("slept", 1)


@group.command("thread", example="perfctl frame thread 5")
async def thread(run: Run, seconds: float, mark: Annotated[Path | None, typer.Option()] = None) -> Told:
    """Wait for a thread that nothing can cancel."""
    if mark:
        mark.with_suffix(".begun").touch()
    await asyncio.to_thread(time.sleep, seconds)
    return Told("waited for a thread", 1)


@group.command("destroy", example="perfctl frame destroy --dry-run")
async def destroy(run: Run, count: int = 3, dry_run: DryRun = False, max_affected: MaxAffected = None) -> Told:
    """Destroy nothing, as everything is destroyed."""
    if not dry_run:
        samples = tuple(f"demo:{i}\x1b[2J" for i in range(count))
        confirm(run, Plan("clear 'demo'", count, "keys", 2048, samples), max_affected=max_affected)
    return Told("would destroy" if dry_run else "destroyed", count)


@group.command("doctor", example="perfctl frame doctor")
def doctor(run: Run) -> Diagnosis:
    """Make checks of every kind."""
    run.exit(1)
    return diagnose(
        [
            Check("redis", "connect", "pass", "answers in 0.4 ms", took_ms=0.4),
            Check(
                "redis",
                "maxmemory, policy",
                "warn",
                "noeviction at 91 %",
                fix="CONFIG SET maxmemory-policy allkeys-lru",
            ),
            Check("postgres", "tls", "fail", "plaintext\nto db.internal", fix="sslmode=verify-full"),
            Check("cdn", "edge", "off", "no cdn.distribution_id"),
        ]
    )


class Outcome(NamedTuple):
    """What a line did."""

    code: int
    out: str
    err: str


def invoke(*words: str) -> Outcome:
    """Run a line in this process, its streams captured."""
    out, err = io.StringIO(), io.StringIO()
    with registered(), redirect_stdout(out), redirect_stderr(err):
        code = run_line(list(words))
    return Outcome(code, out.getvalue(), err.getvalue())


@contextmanager
def registered() -> Iterator[None]:
    """With the group beside perfctl's own."""
    table: dict[str, entries.Entry] = entries.ENTRIES  # type: ignore[assignment]
    table["frame"] = entries.Entry("tests.cli.frame", group.help, tuple(group.registered))
    try:
        yield
    finally:
        del table["frame"]


if __name__ == "__main__":
    from tests.cli import frame

    with frame.registered():
        app.main()
