"""`perfctl sandbox`: real servers on this machine, up and down."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.planner import DryRun, Plan, confirm
from perfctl.cli.run import Run
from perfctl.sandbox.model import (
    SandboxDown,
    SandboxEnvironment,
    SandboxLogs,
    SandboxReset,
    SandboxStatus,
    SandboxUp,
)

if TYPE_CHECKING:
    from perfctl.sandbox.sandbox import Sandbox

group = CommandGroup("sandbox", help="Real servers on this machine, to try everything on.")

Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Which sandbox; several live side by side.")]
NoSeed = Annotated[bool, typer.Option("--no-seed", help="Start with an empty database.")]
With = Annotated[
    list[str] | None, typer.Option("--with", metavar="PARTS", help="Also start cluster, sentinel, replica (by commas).")
]


@group.command("up", example="perfctl sandbox up --with cluster,sentinel")
def up(
    run: Run,
    name: Name = "sandbox",
    with_: With = None,
    no_seed: NoSeed = False,
) -> SandboxUp:
    """Start Valkey, PostgreSQL and a local CloudFront, or what of them is not running; write a context."""
    sandbox = _sandbox(run, name)
    started = time.perf_counter()
    result = sandbox.up(optional=_split(with_), seeded=not no_seed)
    if result.config_file is None:
        run.warn(f"no HOME and no XDG_CONFIG_HOME, so no context was written: use perfctl sandbox env --name {name}")
    if not no_seed and not result.seeded:
        run.warn(f"the database was started without seed data: perfctl sandbox reset --name {name} starts it anew with")
    return SandboxUp(
        name=name,
        context=name if result.config_file else None,
        contexts=result.contexts,
        config_file=str(result.config_file) if result.config_file else None,
        seeded=result.seeded,
        took_ms=_since(started),
        rows=result.servers,
    )


@group.command("status", example="perfctl sandbox status -o json")
def status(run: Run, name: Name = "sandbox") -> SandboxStatus:
    """Ask every server whether it is well; exit 1 when one is not, or none runs."""
    rows = _sandbox(run, name).status()
    is_up = bool(rows) and all(row.state == "running" for row in rows)
    if not is_up:
        run.exit(1)
    return SandboxStatus(name=name, up=is_up, rows=rows)


@group.command("env", example='eval "$(perfctl sandbox env)"')
def env(run: Run, name: Name = "sandbox") -> SandboxEnvironment:
    """Print the variables that lead any program to the servers, passwords included."""
    return SandboxEnvironment(_sandbox(run, name).environment())


@group.command("logs", example="perfctl sandbox logs postgres -f")
def logs(
    run: Run,
    service: Annotated[str | None, typer.Argument(metavar="SERVICE", help="One server; without it, all.")] = None,
    name: Name = "sandbox",
    lines: Annotated[int, typer.Option("--lines", min=0, help="So many last lines of each server.")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as they are written.")] = False,
) -> SandboxLogs | None:
    """Show what the servers wrote, the newest line last."""
    from perfctl.sandbox.logs import followed, last_lines

    files = _sandbox(run, name).logs(service)
    if not follow:
        return SandboxLogs(name=name, rows=tuple(last_lines(files, lines)))
    for line in followed(files, lines):
        run.terminal.write_piece(f"{line.service}: {line.text}\n")
    return None


@group.command("reset", example="perfctl sandbox reset --yes")
def reset(run: Run, name: Name = "sandbox", no_seed: NoSeed = False, dry_run: DryRun = False) -> SandboxReset:
    """Throw all data away and start anew, at the same addresses with the same passwords."""
    sandbox = _sandbox(run, name)
    services = sandbox.service_names()
    if dry_run:
        return SandboxReset(name=name, dry_run=True, took_ms=0.0, rows=sandbox.status())
    if not sandbox.has_context():
        run.options = run.options._replace(context=None)
    confirm(run, Plan(f"reset sandbox {name!r}", count=len(services), noun="servers", samples=tuple(services)))
    started = time.perf_counter()
    rows = sandbox.reset(seeded=not no_seed)
    return SandboxReset(name=name, dry_run=False, took_ms=_since(started), rows=rows)


@group.command("down", example="perfctl sandbox down")
def down(
    run: Run,
    name: Name = "sandbox",
    purge: Annotated[bool, typer.Option("--purge", help="Forget addresses, passwords and logs, too.")] = False,
) -> SandboxDown:
    """End all servers and remove their data; the context stays, so that the next `up` is at the same addresses."""
    started = time.perf_counter()
    ended, orphans = _sandbox(run, name).down(purge=purge)
    return SandboxDown(name=name, ended=ended, orphans=orphans, purged=purge, took_ms=_since(started))


def _sandbox(run: Run, name: str) -> Sandbox:
    """The sandbox of this name, whose context is the run's where the caller names no other."""
    from perfctl.sandbox.sandbox import Sandbox

    run.options = run.options._replace(context=run.options.context or name)
    say = run.terminal.say if run.terminal.shows_progress else lambda line: None
    return Sandbox(name, say=say)


def _split(words: list[str] | None) -> list[str]:
    return [part for word in words or [] for part in word.split(",") if part]


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
