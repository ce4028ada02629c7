"""A log whose log_line_prefix was changed while it was written is read on with the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfctl.db import logs
from perfctl.db.model.statements import SlowQueries

OLD = "2026-01-31 08:00:00.123 UTC [100] jo@shop LOG:  "
NEW = "2026-01-31 08:00:01 UTC:10.0.0.1(5):jo@shop:[7]:LOG:  "


def lines(beginning: str, count: int) -> str:
    return "".join(
        f"{beginning}duration: 10.000 ms  statement: SELECT *\n\tFROM t WHERE id = {number}\n"
        for number in range(count)
    )


def summary(tmp_path: Path, text: str) -> SlowQueries:
    file = tmp_path / "postgresql.log"
    file.write_text(text, encoding="utf-8")
    return logs.summary([str(file)])


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (lines(OLD, 100) + lines(NEW, 50), 150),
        (lines(OLD, 100) + lines(NEW, 50) + lines(OLD, 100), 250),
        (lines(OLD, 30_000) + lines(NEW, 10) + lines(OLD, 20), 30_030),
        ("\ufeff" + lines(OLD, 10), 10),
    ],
)
def test_each_line_is_read_with_the_prefix_that_it_has(tmp_path: Path, text: str, calls: int) -> None:
    found = summary(tmp_path, text)
    assert (found.total, sum(row.calls for row in found.rows)) == (1, calls)


def test_a_statement_that_quotes_a_log_is_one_statement(tmp_path: Path) -> None:
    quoted = lines(NEW, 20).replace("\n", "\n\t")
    text = lines(OLD, 5) + f"{OLD}duration: 5.000 ms  statement: SELECT 1 /*\n\t{quoted}*/\n" + lines(OLD, 5)
    assert sorted(row.calls for row in summary(tmp_path, text).rows) == [1, 10]
