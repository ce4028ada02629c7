"""What a statement is, by PostgreSQL's own grammar: nothing that is not listed passes."""

from __future__ import annotations

import threading

import pytest

from perfctl.db.guard.grammar import read_statement
from perfctl.db.guard.mentions import mentions_of
from perfctl.db.guard.tree import GrammarError, parsed
from perfctl.errors import RefusedError, UsageError


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1", "VALUES (1)", "TABLE t", "WITH a AS (SELECT 1) TABLE a", "(SELECT 1) UNION SELECT 2", "SELECT 1;"],
)
def test_a_read_is_a_select(sql: str) -> None:
    found = read_statement(sql)
    assert (found.kind, found.runs, found.writes) == ("SelectStmt", True, "")


@pytest.mark.parametrize(
    ("sql", "runs"),
    [
        ("EXPLAIN SELECT 1", False),
        ("EXPLAIN ANALYZE SELECT 1", True),
        ("EXPLAIN (ANALYZE off) SELECT 1", False),
        ("EXPLAIN (ANALYZE 0, ANALYZE) SELECT 1", True),
        ('EXPLAIN ("analyze" true, COSTS off) SELECT 1', True),
    ],
)
def test_an_explain_runs_what_it_analyzes(sql: str, runs: bool) -> None:
    found = read_statement(sql)
    assert (found.kind, found.runs) == ("ExplainStmt", runs)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SET a = 1",
        "DO 'x'",
        "COPY t TO PROGRAM 'x'",
        "EXPLAIN EXECUTE p",
        "BEGIN",
        "NOTIFY a",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "DECLARE c CURSOR FOR SELECT 1",
        "CREATE TABLE t (a int)",
    ],
)
def test_everything_else_is_refused(sql: str) -> None:
    with pytest.raises(RefusedError):
        read_statement(sql)


@pytest.mark.parametrize(
    "sql", ["DELETE FROM t", "WITH d AS (DELETE FROM t RETURNING 1) TABLE d", "SELECT 1 INTO t", "TABLE t FOR SHARE"]
)
def test_what_writes_is_told(sql: str) -> None:
    assert read_statement(sql).writes


@pytest.mark.parametrize("sql", ["", " -- nothing", "SELECT '\x00'", "SELECT '\ud800'", "SELECT " + "1" * 2**20])
def test_what_is_no_statement_is_an_error_of_usage(sql: str) -> None:
    with pytest.raises(UsageError):
        read_statement(sql)


def test_an_error_of_grammar_has_its_place_in_characters() -> None:
    with pytest.raises(GrammarError) as caught:
        parsed("SELECT 'é' FROM FROM")
    assert caught.value.position == 17


def test_a_deep_statement_is_read_to_its_end() -> None:
    found = mentions_of(parsed("SELECT " + "a || " * 20_000 + "last_one()")[0])
    assert [call.name for call in found.calls] == ["last_one"]


@pytest.mark.parametrize(
    ("sql", "operators"),
    [
        ("SELECT a IN (1, 2)", {"="}),
        ("SELECT a NOT IN (SELECT 1)", {"="}),
        ("SELECT a BETWEEN 1 AND 2", {">=", "<="}),
        ("SELECT a IS DISTINCT FROM b", {"="}),
        ("SELECT a LIKE 'x'", {"~~"}),
        ("SELECT CASE a WHEN 1 THEN 2 END", {"="}),
        ("SELECT 1 FROM a NATURAL JOIN b", {"="}),
        ("SELECT 1 FROM a JOIN b USING (c)", {"="}),
        ("SELECT a FROM b ORDER BY a USING >#", {">#"}),
        ("SELECT a OPERATOR(x.@+@) b", {"@+@"}),
        ("SELECT nullif(a, b)", {"="}),
    ],
)
def test_an_operator_is_found_where_grammar_hides_it(sql: str, operators: set[str]) -> None:
    assert {name for _, name in mentions_of(parsed(sql)[0]).operators} == operators


def test_names_are_found_however_they_are_written() -> None:
    found = mentions_of(parsed('SELECT U&"\\0064elete_all"(), "A".b(1), (x).y, c.d::s.t FROM q.r TABLESAMPLE z (1)')[0])
    assert {(call.schema, call.name) for call in found.calls} == {("", "delete_all"), ("A", "b"), ("", "z")}
    assert found.relations == {("q", "r")}
    assert ("s", "t") in found.types
    assert found.attributes == {"y", "d"}


def test_a_deep_statement_is_read_in_a_thread_with_a_small_stack() -> None:
    texts = ("SELECT 1" + "+1" * 7000, "SELECT " + "ARRAY[" * 2000 + "1" + "]" * 2000, "SELECT a" + "::x" * 5000)
    done: list[str] = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: done.extend(read_statement(text).kind for text in texts))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert done == ["SelectStmt"] * 3
