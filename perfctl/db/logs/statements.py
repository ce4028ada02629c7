"""The statements of log files, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from perfctl.db.logs.bound import parameters
from perfctl.db.logs.clock import Clock
from perfctl.db.logs.following import Executed
from perfctl.db.logs.reading import Asked, executions
from perfctl.db.logs.record import Tally, Told
from perfctl.db.model.logs import LoggedKind, LoggedStatement

_PORT = re.compile(r"\(\d+\)\Z|(?<=\.\d):\d+\Z|(?<=\.\d\d):\d+\Z|(?<=\.\d\d\d):\d+\Z")


def read(
    paths: Sequence[str | Path],
    *,
    log_line_prefix: str | None = None,
    likely_prefix: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    told: Told | None = None,
) -> Iterator[LoggedStatement]:
    """Every statement of the files, in the order of time, in flat memory; the arguments are those of `summary`."""
    asked = Asked(
        paths=tuple(map(str, paths)), log_line_prefix=log_line_prefix, likely_prefix=likely_prefix, since=since,
        until=until, told=told,
    )  # fmt: skip
    tally = Tally()
    clock = Clock(tally)
    for some in executions(asked, tally):
        for executed in some:
            if executed.kind not in ("attached", "temp", "failed"):
                yield _statement(executed, clock)


def _statement(executed: Executed, clock: Clock) -> LoggedStatement:
    record = executed.record
    return LoggedStatement(
        kind=cast(LoggedKind, executed.kind),
        sql=executed.sql,
        took_ms=executed.took_ms,
        at=clock.moment(record.at),
        username=record.user or None,
        database=record.database or None,
        application=record.application or None,
        host=_PORT.sub("", record.host) or None,
        session=record.session or None,
        parameters=parameters(record.detail),
        plan=executed.plan or None,
        queryid=record.queryid if record.queryid not in ("", "0") else None,
    )
