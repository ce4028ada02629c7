"""What a text may leave behind is read off its words; what is not known is taken for the worst."""

from __future__ import annotations

import pytest

from perfctl.db.session.effects import Stain, effects

READS = [
    "SELECT 1",
    "select count(*), max(a) from t where b in (1, 2) and c = any($1)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n",
    "SELECT extract(year FROM at), x::numeric(3, 2), (a, b) IN (SELECT 1, 2) FROM t AS y(a, b)",
    "SELECT sum(a) OVER (PARTITION BY b ORDER BY c) FROM t",
    "VALUES (1), (2)",
    "TABLE t",
    "SHOW work_mem",
    "EXPLAIN (ANALYZE, COSTS OFF) SELECT 1",
    "SELECT pg_catalog.now() -- my_function()",
    "SELECT 'DELETE FROM t; my_function()', \"update\" FROM t;",
]
CLEAN = [
    "BEGIN",
    "START TRANSACTION READ ONLY",
    "SET LOCAL statement_timeout = 1",
    "SET TRANSACTION READ WRITE",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED",
    "SAVEPOINT a",
    "COMMIT",
    "ANALYZE t",
    "",
]
WRITES = [
    "INSERT INTO s.t (a, b) VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = 3 RETURNING id",
    "UPDATE t SET (a, b) = (1, 2)",
    "DELETE FROM t USING u WHERE t.a = u.a",
    "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
    "EXPLAIN ANALYZE DELETE FROM t",
    "TRUNCATE t",
]
RESETS = [
    "SET work_mem = '1GB'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "RESET ALL",
    "LISTEN news",
    "SELECT set_config('a.b', 'c', false)",
    "SELECT pg_advisory_lock(1)",
    "SELECT my_function()",
    "SELECT other.count(*) FROM t",
    'SELECT "Count"(*) FROM t',
    "SELECT * FROM my_function(1) AS t(a)",
    "SELECT * INTO TEMP x FROM t",
    "CREATE TEMP TABLE x (a int)",
    "DO $$BEGIN END$$",
    "CALL my_procedure()",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "BEGIN; SET work_mem = '1GB'; COMMIT",
]


@pytest.mark.parametrize("sql", READS)
def test_a_read_through_known_functions_may_be_asked_twice(sql: str) -> None:
    found = effects(sql)
    assert (found.stain, found.is_repeatable, found.may_write) == (Stain.NONE, True, False)


@pytest.mark.parametrize("sql", CLEAN)
def test_what_steers_a_transaction_leaves_nothing_and_is_not_repeated(sql: str) -> None:
    found = effects(sql)
    assert (found.stain, found.is_repeatable, found.may_write) == (Stain.NONE, False, False)


@pytest.mark.parametrize("sql", WRITES)
def test_a_write_is_told_of_and_never_repeated(sql: str) -> None:
    found = effects(sql)
    assert (found.stain, found.is_repeatable, found.may_write) == (Stain.NONE, False, True)


@pytest.mark.parametrize("sql", RESETS)
def test_what_may_dirty_a_session_has_it_reset(sql: str) -> None:
    found = effects(sql)
    assert (found.stain, found.is_repeatable) == (Stain.RESET, False)


@pytest.mark.parametrize("sql", ["PREPARE a AS SELECT 1", "DEALLOCATE ALL", "DISCARD ALL"])
def test_names_of_the_session_are_known_to_be_gone(sql: str) -> None:
    assert effects(sql).stain is Stain.NAMES


@pytest.mark.parametrize("sql", ["LOAD 'auto_explain'", "SELECT dblink_connect('x', 'y')"])
def test_what_cannot_be_taken_back_ends_the_session(sql: str) -> None:
    assert effects(sql).stain is Stain.BEYOND
