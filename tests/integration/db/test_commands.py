"""`perfctl db` as a process: documents, exit codes, nothing on stdout when there is no answer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from perfctl.config import DatabaseConfig
from tests.conftest import Perfctl
from tests.integration.db.conftest import effects, execute

pytestmark = pytest.mark.servers

Db = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def db(perfctl: Perfctl, variables: dict[str, str]) -> Db:
    """`perfctl db ...` on the database of these tests."""

    def run(*words: str, env: dict[str, str] | None = None, **settings: object) -> subprocess.CompletedProcess[str]:
        return perfctl("db", *words, env={**variables, **(env or {})}, **settings)

    return run


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("words", [("slow",), ("analyze", "SELECT * FROM stocks LIMIT 3"), ("doctor",)])
def test_a_document_keeps_to_its_schema(db: Db, perfctl: Perfctl, words: tuple[str, ...]) -> None:
    answer = document(db(*words, "-o", "json"))
    schema = json.loads(perfctl("schema", "db", words[0]).stdout)
    jsonschema.validate(answer, schema)


def test_slow_lists_rows_and_says_how_many_there_are(db: Db, config: DatabaseConfig) -> None:
    execute(config, "SELECT pg_stat_statements_reset()", "SELECT 1", "SELECT symbol FROM stocks", "TABLE stocks")
    answer = document(db("slow", "--by", "calls", "--limit", "2", "-o", "json"))
    assert [len(answer["data"]["rows"]), answer["meta"]["total"], answer["meta"]["truncated"]] == [2, 4, True]
    assert len(document(db("slow", "--limit", "0", "-o", "json"))["data"]["rows"]) == 4


@pytest.mark.parametrize("given", ["argument", "stdin", "file"])
def test_a_statement_comes_from_one_of_three_places(db: Db, tmp_path: Path, given: str) -> None:
    sql = "SELECT * FROM stocks WHERE symbol = 'AAPL';\n"
    (tmp_path / "q.sql").write_text(sql)
    words = {"argument": (sql,), "stdin": ("-",), "file": ("-f", "q.sql")}[given]
    answer = document(db("analyze", *words, "-o", "json", **({"input": sql} if given == "stdin" else {})))
    assert answer["data"]["analyzed"]
    assert answer["data"]["plan"]["relation"] == "stocks"


def test_a_plan_is_drawn_without_an_escape_when_it_is_piped(db: Db) -> None:
    done = db("analyze", "SELECT count(*) FROM stocks")
    assert done.returncode == 0
    assert "Seq Scan on stocks" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("words", "env", "exit_code", "said"),
    [
        (("analyze", "SELECT 1; SELECT 2"), {}, 7, "2 statements"),
        (("analyze", "DELETE FROM stocks"), {}, 7, "--allow-write"),
        (("analyze", "DO $$BEGIN END$$"), {}, 7, "begins with DO"),
        (("analyze", "SELECT * FROM nothing"), {}, 9, "42P01"),
        (("analyze", "SELECT * FROM nothing"), {}, 9, "does the table exist in this schema?"),
        (("slow", "--timeout", "1ms"), {}, 5, "give it longer with --timeout"),
        (("analyze", "SELECT FROM WHERE"), {}, 9, "42601"),
        (("analyze",), {}, 2, "one statement"),
        (("analyze", "-f", "missing.sql"), {}, 2, "missing.sql"),
        (("slow", "--by", "luck"), {}, 2, "luck"),
        (("slow",), {"DB_PORT": "1"}, 5, "connection refused"),
        (("analyze", "SELECT 1"), {"DB_PORT": "1"}, 5, "connection refused"),
        (("slow",), {"DB_PASSWORD": "canary-wrong"}, 4, "28P01"),
        (("slow",), {"DB_NAME": "missing"}, 9, "3D000"),
        (("slow",), {"DB_NAME": "template1"}, 9, "CREATE EXTENSION pg_stat_statements;"),
        (("slow",), {"DB_HOST": ""}, 3, "DB_HOST"),
    ],
)
def test_each_failure_has_its_exit_code_and_an_empty_stdout(
    db: Db, words: tuple[str, ...], env: dict[str, str], exit_code: int, said: str
) -> None:
    done = db(*words, env=env)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr


def test_a_statement_that_may_write_is_rolled_back_and_says_what_stays(db: Db, config: DatabaseConfig) -> None:
    before = effects(config)[0].split(",")[0]
    done = db("analyze", "DELETE FROM stocks", "--allow-write", "-o", "json")
    assert document(done)["data"]["plan"]["node_type"] == "Delete"
    assert "dead rows" in done.stderr
    assert effects(config)[0].split(",")[0] == before


def test_a_statement_over_its_time_is_estimated_with_a_warning(db: Db) -> None:
    done = db("analyze", "SELECT pg_sleep(60)", "--timeout", "200ms", "-o", "json")
    answer = document(done)
    assert answer["data"]["analyzed"] is False
    assert len(answer["warnings"]) == 1


def test_no_run_shows_the_plan_of_a_write(db: Db, config: DatabaseConfig) -> None:
    before = effects(config)
    assert document(db("analyze", "DELETE FROM stocks", "--no-run", "-o", "json"))["data"]["analyzed"] is False
    assert effects(config) == before


@pytest.fixture
def protected(tmp_path: Path, variables: dict[str, str]) -> tuple[str, ...]:
    """A configuration whose contexts are protected or read-only."""
    where = {name.removeprefix("DB_").lower(): value for name, value in variables.items()}
    database = (
        f"{{host: {where['host']}, port: {where['port']}, database: {where['name']}, "
        f"username: {where['user']}, password: {{env: DB_PASSWORD}}}}"
    )
    (tmp_path / "contexts.yaml").write_text(
        "version: 1\ncontexts:\n"
        f"  prod: {{protected: true, database: {database}}}\n"
        f"  look: {{read_only: true, database: {database}}}\n"
    )
    return ("--config", "contexts.yaml")


def test_a_protected_context_runs_a_statement_only_when_told_so(db: Db, protected: tuple[str, ...]) -> None:
    refused = db("analyze", "SELECT 1", *protected, "-c", "prod")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "--run" in refused.stderr
    assert document(db("analyze", "SELECT 1", "--run", *protected, "-c", "prod", "-o", "json"))["data"]["analyzed"]
    estimated = document(db("analyze", "SELECT 1", "--no-run", *protected, "-c", "prod", "-o", "json"))
    assert estimated["data"]["analyzed"] is False


def test_a_read_only_context_lets_no_write_be_tried(db: Db, protected: tuple[str, ...]) -> None:
    refused = db("analyze", "DELETE FROM stocks", "--allow-write", *protected, "-c", "look")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "read_only" in refused.stderr


def test_the_doctor_fails_with_what_mends_it(db: Db) -> None:
    done = db("doctor", "-o", "json", env={"DB_NAME": "template1"})
    rows = {row["check"]: row for row in json.loads(done.stdout)["data"]["rows"]}
    assert done.returncode == 1
    assert rows["pg_stat_statements"]["fix"] == "CREATE EXTENSION pg_stat_statements;"
