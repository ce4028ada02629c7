"""Drawing what `perfctl sandbox` answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, View, view
from perfctl.sandbox.model import (
    SandboxDown,
    SandboxEnvironment,
    SandboxLogs,
    SandboxReset,
    SandboxStatus,
    SandboxUp,
    Server,
)
from perfctl.units import format_bytes, format_duration_ms

_TONES: dict[str, Tone] = {"started": "good", "running": "good", "down": "bad", "failing": "bad"}


def up_view(result: SandboxUp) -> View:
    """The servers, and what to type next."""
    seeded = ", seeded" if result.seeded else ""
    try_next = f"perfctl -c {result.context} health" if result.context else f"perfctl sandbox env --name {result.name}"
    took = format_duration_ms(result.took_ms)
    says = f"sandbox {result.name} is up in {took}{seeded} · try: {try_next}"
    others = " and ".join(f"-c {name}" for name in result.contexts[1:])
    return view(_started(result.rows), Text(f"{says}\nits other contexts: {others}" if others else says))


def reset_view(result: SandboxReset) -> View:
    """The servers as they started anew, or as they are."""
    says = f"sandbox {result.name} "
    says += "would be reset" if result.dry_run else f"was reset in {format_duration_ms(result.took_ms)}"
    return view(_started(result.rows), Text(says))


def status_view(result: SandboxStatus) -> View:
    """The servers, each with its process, and under the table what is wrong."""
    columns = (
        Column("service"),
        Column("state"),
        Column("pid", "right"),
        Column("endpoint"),
        Column("memory", "right"),
        Column("uptime", "right"),
    )
    table = Table(columns, tuple(_status_row(row) for row in result.rows), empty=f"sandbox {result.name} is down")
    problems = [f"{row.service}: {row.problem}" for row in result.rows if row.problem]
    mend = None if result.up else Text(f"to mend: perfctl sandbox up --name {result.name}")
    return view(table, Text("\n".join(problems), "bad") if problems else None, mend)


def environment_view(result: SandboxEnvironment) -> View:
    """Lines for `eval`."""
    return view(Text("\n".join(f"export {name}={_quoted(value)}" for name, value in result.variables.items())))


def logs_view(result: SandboxLogs) -> View:
    """The lines, with the server's name before each when there are several."""
    several = len({row.service for row in result.rows}) > 1
    lines = [f"{row.service}: {row.text}" if several else row.text for row in result.rows]
    return view(Text("\n".join(lines) or f"the servers of sandbox {result.name} wrote nothing"))


def down_view(result: SandboxDown) -> View:
    """What was ended."""
    ended = ", ".join(result.ended) or "nothing was running"
    orphans = (("left over, and ended", str(result.orphans)),) if result.orphans else ()
    took = ("took", format_duration_ms(result.took_ms))
    return view(Facts((("sandbox", result.name), ("ended", ended), *orphans, took)))


def _started(rows: tuple[Server, ...]) -> Table:
    columns = (
        Column("service"),
        Column("version"),
        Column("endpoint"),
        Column("state"),
        Column("ready", "right"),
        Column("memory", "right"),
    )
    return Table(columns, tuple(_started_row(row) for row in rows))


def _started_row(row: Server) -> tuple[Cell | str, ...]:
    return (
        row.service,
        row.version or "-",
        row.endpoint or "-",
        Cell(row.state, _TONES[row.state]),
        format_duration_ms(row.ready_ms),
        format_bytes(row.resident_bytes),
    )


def _status_row(row: Server) -> tuple[Cell | str, ...]:
    uptime = None if row.uptime_seconds is None else row.uptime_seconds * 1000
    return (
        row.service,
        Cell(row.state, _TONES[row.state]),
        "-" if row.pid is None else str(row.pid),
        row.endpoint or "-",
        format_bytes(row.resident_bytes),
        format_duration_ms(uptime),
    )


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\"'\"'") + "'"


VIEWS: Mapping[type, Callable[[Any], View]] = {
    SandboxUp: up_view,
    SandboxStatus: status_view,
    SandboxEnvironment: environment_view,
    SandboxLogs: logs_view,
    SandboxReset: reset_view,
    SandboxDown: down_view,
}
