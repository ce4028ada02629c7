"""Faults planted in a real PostgreSQL are found, mended, measured and taken back; a healthy twin has none."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from perfctl.config import Settings
from perfctl.db import mending
from perfctl.errors import LockedError, RefusedError, UnreachableError, UsageError
from perfctl.operations.optimizing import optimize, recorded_runs, roll_back
from perfctl.operations.optimizing.journal import Journal
from perfctl.operations.optimizing.model import Finding, Optimization
from perfctl.optimizer import PerformanceOptimizer
from tests.campaign import SOAKS
from tests.postgres_server import VERSIONS, PostgresServer

pytestmark = pytest.mark.servers

T = TypeVar("T")

SOURCES = ("statements", "foreign_keys", "statistics")
CHILD = '"Shop"."Child Rows"'
FOREIGN_KEY = f"foreign_keys:{CHILD}(parent Id)"
PLANTED = (
    "CREATE EXTENSION pg_stat_statements",
    'CREATE SCHEMA "Shop"',
    'CREATE TABLE "Shop".parents (id int PRIMARY KEY)',
    f'CREATE TABLE {CHILD} (id int, "parent Id" int REFERENCES "Shop".parents, kind int, note text)'
    " WITH (autovacuum_enabled = off)",
    'INSERT INTO "Shop".parents SELECT n FROM generate_series(1, 20000) AS n',
    f"INSERT INTO {CHILD} SELECT n, n % 20000 + 1, n % 5000, repeat('x', 60) FROM generate_series(1, 60000) AS n",
)
TOLD = "SELECT pg_stat_force_next_flush()"
"""What a session counted is told before it is answered, and not some time after it has ended."""
STALE = (
    "DROP TABLE IF EXISTS stale",
    "CREATE TABLE stale (id int) WITH (autovacuum_enabled = off)",
    "INSERT INTO stale SELECT n FROM generate_series(1, 30000) AS n",
    TOLD,
)
ASKED = tuple(f"SELECT count(note) FROM {CHILD} WHERE kind = {kind}" for kind in range(60))
INDEXES = "SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname NOT LIKE 'pg_%' ORDER BY 1, 2"
DIES = """
import asyncio, os, signal, sys
from perfctl.config import Settings, DatabaseConfig
from perfctl.db import mending
from perfctl.operations.optimizing import optimize
from perfctl.optimizer import PerformanceOptimizer

async def main():
    config = DatabaseConfig(host="127.0.0.1", port=int(sys.argv[1]), database=sys.argv[2], username="postgres")
    async with PerformanceOptimizer.from_settings(Settings(database=config)) as optimizer:
        await optimize(optimizer, apply=True, only=("foreign_keys",))

async def die(session, statement, index):
    if sys.argv[3] != "nothing":
        await session.execute(statement)
    if sys.argv[3] == "unfinished":
        await session.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass('{index}')")
    os.kill(os.getpid(), signal.SIGKILL)

mending.build = die
asyncio.run(main())
"""


class Planted:
    """A database with faults, which a test may mend and break."""

    def __init__(self, server: PostgresServer, *faults: str) -> None:
        self.server = server
        self.name = f"optimize_{uuid.uuid4().hex[:8]}"
        server.sql(f'CREATE DATABASE "{self.name}"')
        self.sql(";\n".join((*faults, TOLD)))
        self.sql("ANALYZE")

    def sql(self, *statements: str) -> list[list[str]]:
        return self.server.sql(*statements, database=self.name)

    def asked(self, ask: Callable[[PerformanceOptimizer], Awaitable[T]], **fields: object) -> T:
        settings = Settings(database=self.server.config(database=self.name), **fields)  # type: ignore[arg-type]

        async def run() -> T:
            async with PerformanceOptimizer.from_settings(settings) as optimizer:
                return await ask(optimizer)

        return asyncio.run(run())

    def found(self, *only: str) -> Optimization:
        return self.asked(lambda optimizer: optimize(optimizer, only=only))

    def applied(self, *only: str) -> Optimization:
        return self.asked(lambda optimizer: optimize(optimizer, apply=True, only=only))

    def rolled_back(self, run_id: str | None) -> Optimization:
        return self.asked(lambda optimizer: roll_back(optimizer, run_id or ""))

    def drop(self) -> None:
        self.server.sql(f'DROP DATABASE "{self.name}" WITH (FORCE)')


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture(scope="module")
def planted(postgres: PostgresServer) -> Iterator[Planted]:
    made = Planted(postgres, *PLANTED)
    yield made
    made.drop()


def finding(answer: Optimization, source: str) -> Finding:
    return next(row for row in answer.rows if row.source == source)


def figures(row: Finding) -> dict[str, tuple[float, float]]:
    return {each.name: (each.before or 0.0, each.after or 0.0) for each in row.measured}


def test_planted_faults_are_found_and_ranked_with_what_mends_them(planted: Planted) -> None:
    planted.sql(";\n".join((*STALE, *ASKED)))
    answer = planted.found(*SOURCES)
    assert {source.source: (source.answer, source.reason) for source in answer.sources} == dict.fromkeys(
        SOURCES, ("answered", None)
    )
    assert [row.id for row in answer.rows if row.source == "foreign_keys"] == [FOREIGN_KEY]
    assert finding(answer, "foreign_keys").command.endswith(f'ON {CHILD} ("parent Id");')
    assert finding(answer, "statistics").command == "ANALYZE public.stale;"
    assert finding(answer, "statements").command.endswith(f'ON {CHILD} ("kind");')
    assert all(row.is_safe for row in answer.rows if row.source != "statistics" or row.subject == "public.stale")
    grave = ["critical", "warning", "info"]
    assert [row.severity for row in answer.rows] == sorted((row.severity for row in answer.rows), key=grave.index)


def test_what_was_mended_is_measured_better_and_taken_back_to_the_letter(planted: Planted) -> None:
    planted.sql(";\n".join((*STALE, *ASKED)))
    before = planted.sql(INDEXES)
    answer = planted.applied(*SOURCES)
    assert (answer.applied, answer.failed) == (3, 0), answer.rows
    key, slow = finding(answer, "foreign_keys"), finding(answer, "statements")
    for name in ("look-up: cost", "look-up: blocks"):
        was, now = figures(key)[name]
        assert now < was / 5
    was, now = figures(slow)["statement: cost"]
    assert now < was / 2
    assert figures(finding(answer, "statistics")) == {"rows changed since it was analyzed": (30000.0, 0.0)}
    assert planted.found("foreign_keys", "statistics").rows == ()
    assert len(planted.sql(INDEXES)) == len(before) + 2

    back = planted.rolled_back(answer.run_id)
    assert (back.undone, back.failed) == (2, 0)
    assert planted.sql(INDEXES) == before
    assert {step.kind: step.state for step in back.runs[0].steps} == {"analyze": "kept", "index": "undone"}
    again = planted.rolled_back(answer.run_id)
    assert again.undone == 0
    assert again.notes == (f"nothing to do: nothing of run {answer.run_id} is left to undo",)


def test_an_index_that_no_plan_uses_is_dropped_again(postgres: PostgresServer) -> None:
    few = Planted(
        postgres,
        "CREATE TABLE kinds (id int PRIMARY KEY)",
        "INSERT INTO kinds VALUES (1)",
        "CREATE TABLE items (kind int REFERENCES kinds)",
        "INSERT INTO items SELECT 1 FROM generate_series(1, 60000)",
    )
    before = few.sql(INDEXES)
    answer = few.applied("foreign_keys")
    assert [row.state for row in answer.rows] == ["taken back"]
    assert (answer.applied, answer.failed) == (0, 0)
    assert few.sql(INDEXES) == before
    few.drop()


def test_a_healthy_twin_has_no_finding_of_these_sources(postgres: PostgresServer) -> None:
    healthy = Planted(postgres, *PLANTED, f'CREATE INDEX ON {CHILD} ("parent Id")', f"CREATE INDEX ON {CHILD} (kind)")
    healthy.sql(";\n".join(ASKED))
    answer = healthy.applied(*SOURCES)
    assert answer.rows == ()
    assert answer.run_id is None
    assert healthy.asked(lambda optimizer: optimize(optimizer, only=("pool",))).sources[0].answer == "skipped"
    healthy.drop()


@pytest.mark.parametrize("postgres", VERSIONS if SOAKS else VERSIONS[:1], indirect=True, ids="pg{}".format)
@pytest.mark.parametrize(
    ("left", "told"),
    [
        ("nothing", "cut off before the index was made: nothing is left of it"),
        ("unfinished", "an invalid index is left"),
        ("finished", "cut off, but the index was finished"),
    ],
)
def test_the_run_after_one_that_was_killed_says_what_it_left_and_undoes_it(
    planted: Planted, left: str, told: str
) -> None:
    before = planted.sql(INDEXES)
    words = [sys.executable, "-c", DIES, str(planted.server.port), planted.name, left]
    ran = subprocess.run(words, env=dict(os.environ), capture_output=True, timeout=60)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    answer = planted.found("foreign_keys")
    assert len(answer.notes) == 1
    assert told in answer.notes[0]
    run = recorded_runs("default").runs[0]
    assert (run.ended_at, [step.state for step in run.steps]) == (None, ["started"])
    assert [row.id for row in answer.rows] == ([] if left == "finished" else [FOREIGN_KEY])
    if left == "unfinished":  # the next run that changes something clears it away first
        assert planted.applied("foreign_keys").applied == 1
        assert {step.state for run in recorded_runs("default").runs for step in run.steps} == {"undone", "done"}
        planted.rolled_back(recorded_runs("default").runs[0].id)
    else:
        planted.rolled_back(run.id)
    assert planted.sql(INDEXES) == before
    assert planted.found("foreign_keys").notes == ()


@pytest.mark.parametrize("postgres", VERSIONS if SOAKS else VERSIONS[:1], indirect=True, ids="pg{}".format)
def test_an_index_that_was_built_before_the_step_failed_is_told_and_taken_back(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, build = planted.sql(INDEXES), mending.build

    async def lose(*arguments: object) -> None:
        await build(*arguments)  # type: ignore[arg-type]
        raise UnreachableError("the connection was lost")

    monkeypatch.setattr(mending, "build", lose)
    answer = planted.applied("foreign_keys")
    assert (answer.applied, answer.failed) == (0, 1)
    assert "what it made is there" in str(answer.rows[0].outcome)
    assert planted.rolled_back(answer.run_id).undone == 1
    assert planted.sql(INDEXES) == before


def test_a_build_that_waits_in_vain_leaves_nothing_that_is_not_told(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = planted.sql(INDEXES)
    monkeypatch.setattr(mending, "LOCK_WAIT_SECONDS", 0.3)

    async def held_up(optimizer: PerformanceOptimizer) -> Optimization:
        async with optimizer.database.pool.acquire() as session:
            await session.execute(f"BEGIN; UPDATE {CHILD} SET note = 'y' WHERE id = 1")
            answer = await optimize(optimizer, apply=True, only=("foreign_keys",))
            await session.execute("ROLLBACK")
        return answer

    answer = planted.asked(held_up)
    assert (answer.applied, answer.failed) == (0, 1)
    assert "lock timeout" in str(answer.rows[0].outcome)
    planted.rolled_back(answer.run_id)
    assert planted.sql(INDEXES) == before


def test_a_read_only_context_an_unknown_run_and_another_database_change_nothing(planted: Planted) -> None:
    with pytest.raises(RefusedError, match="read_only"):
        planted.asked(lambda optimizer: optimize(optimizer, apply=True), read_only=True)
    with pytest.raises(RefusedError, match="read_only"):
        planted.asked(lambda optimizer: roll_back(optimizer, "x"), read_only=True)
    with pytest.raises(UsageError, match="no run"):
        planted.rolled_back("20260101-000000-abcde")
    with pytest.raises(UsageError, match="no source 'foreign_kes'"):
        planted.found("foreign_kes")
    answer = planted.applied("foreign_keys")
    elsewhere = Settings(database=planted.server.config())

    async def undo() -> Optimization:
        async with PerformanceOptimizer.from_settings(elsewhere) as optimizer:
            return await roll_back(optimizer, answer.run_id or "")

    with pytest.raises(UsageError, match=f"was on .*{planted.name}"):
        asyncio.run(undo())
    with Journal.of("default").held(), pytest.raises(LockedError):
        planted.rolled_back(answer.run_id)
    assert planted.rolled_back(answer.run_id).undone == 1


def test_an_index_that_somebody_else_made_under_that_name_stays(planted: Planted) -> None:
    answer = planted.applied("foreign_keys")
    index = recorded_runs("default").runs[0].steps[0].subject
    planted.sql(f"DROP INDEX {index}", f"CREATE INDEX {index.partition('.')[2]} ON {CHILD} (id)")
    back = planted.rolled_back(answer.run_id)
    assert (back.undone, back.failed) == (0, 1)
    assert "another index has its name" in str(back.runs[0].steps[0].note)
    assert planted.applied("foreign_keys").failed == 1
    planted.sql(f"DROP INDEX {index}")
    assert planted.rolled_back(answer.run_id).undone == 1
