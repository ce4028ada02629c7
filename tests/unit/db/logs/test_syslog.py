"""Logs that went through syslog: lines of several processes, cut and mixed, are messages again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perfctl.db import logs

HEADS = {
    "traditional": "Jan  2 03:04:05 db-1 postgres[{}]: ",
    "iso": "2026-01-02T03:04:05.678901+00:00 db-1 postgres[{}]: ",
}
LINES = (
    (42, "[7-1] jo@shop LOG:  duration: 1.500 ms  execute <unnamed>: SELECT *"),
    (43, "[2-1] ann@shop LOG:  duration: 2.000 ms  statement: SELECT"),
    (42, "[7-2] #011  FROM t"),
    (43, "[2-2]  'a long line that was cut'"),
    (42, "[7-3] #011 WHERE id = $1"),
    (42, "[7-4] jo@shop DETAIL:  parameters: $1 = '5'"),
    (43, "[3-1] ann@shop LOG:  duration: 3.000 ms  statement: SELECT 2"),
)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("prefix", ["%q%u@%d ", None], ids=["given", "guessed"])
def test_messages_of_several_processes_are_put_together_again(tmp_path: Path, head: str, prefix: str | None) -> None:
    file = tmp_path / "messages"
    file.write_text("".join(f"{head.format(pid)}{text}\n" for pid, text in LINES))
    os.utime(file, (1767323105.0, 1767323105.0))
    every = sorted(logs.read([file], log_line_prefix=prefix), key=lambda one: one.took_ms or 0.0)
    assert [(one.sql, one.took_ms, one.username, one.session, one.parameters) for one in every] == [
        ("SELECT *\n  FROM t\n WHERE id = $1", 1.5, "jo", "42", ("5",)),
        ("SELECT 'a long line that was cut'", 2.0, "ann", "43", ()),
        ("SELECT 2", 3.0, "ann", "43", ()),
    ]
    assert {f"{one.at:%Y-%m-%d %H:%M:%S}" for one in every} == {"2026-01-02 03:04:05"}
