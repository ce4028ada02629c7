"""SQL texts are cut by PostgreSQL's own lexical rules."""

from __future__ import annotations

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from perfctl.db.sqltext import (
    Statement,
    explainable,
    fingerprint,
    is_read,
    one_line,
    statements,
    tokens,
)
from perfctl.errors import RefusedError, UsageError

PIECES = st.sampled_from(
    [
        "SELECT", " ", "\n", "'", "''", "\\", "E'", "e'\\''", "U&'", '"', 'U&"', "$$", "$a$", "$1", "%s", "%%", "%",
        "--", "/*", "*/", ";", "(", ")", "1", "1.5e3", "x", "ü", "é$", ",", "=", "::", "--\n", "/* ; */", "'%s'",
        "'a;'",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1; SELECT 2;", ("SELECT 1", "SELECT 2")),
        ("SELECT ';'", ("SELECT ';'",)),
        ("SELECT 'it''s; one'", ("SELECT 'it''s; one'",)),
        (r"SELECT E'it\'s; one'", (r"SELECT E'it\'s; one'",)),
        ("SELECT E'a'\n  'b\\'; c'", ("SELECT E'a'\n  'b\\'; c'",)),
        ("SELECT E'a' 'b\\'; c", ("SELECT E'a' 'b\\'", "c")),
        ("SELECT $$a;b$$; SELECT $x$;$$;$x$", ("SELECT $$a;b$$", "SELECT $x$;$$;$x$")),
        ("SELECT a$b$;SELECT $b$", ("SELECT a$b$", "SELECT $b$")),
        ('SELECT ";" FROM "a"";b"', ('SELECT ";" FROM "a"";b"',)),
        ("SELECT 1 -- ; not\n; SELECT 2", ("SELECT 1 -- ; not", "SELECT 2")),
        ("SELECT 1 /* ; /* ; */ ; */", ("SELECT 1 /* ; /* ; */ ; */",)),
        (" ;; -- nothing\n ; /* here */ ", ()),
        ("SELECT 'never ends; SELECT 2", ("SELECT 'never ends; SELECT 2",)),
        ("SELECT 1 -- line\r; SELECT 2", ("SELECT 1 -- line", "SELECT 2")),
    ],
)
def test_statements_are_cut_at_semicolons_outside_of_literals_and_comments(sql: str, expected: tuple[str, ...]) -> None:
    assert statements(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1;", Statement("SELECT 1", "select", 0)),
        ("  -- why\n(SELECT 1)", Statement("(SELECT 1)", "select", 9)),
        ("EXPLAIN SELECT 1", Statement("SELECT 1", "select", 8)),
        ("explain analyze verbose SELECT 1", Statement("SELECT 1", "select", 24)),
        ("EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1", Statement("SELECT 1", "select", 31)),
        ("EXPLAIN (SELECT 1)", Statement("(SELECT 1)", "select", 8)),
        ("table stocks", Statement("table stocks", "table", 0)),
        ("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", Statement(
            "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", "merge", 0)),
    ],
)  # fmt: skip
def test_one_statement_is_found_with_explain_taken_off(sql: str, expected: Statement) -> None:
    assert explainable(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [("SELECT $2, $1, '$9'", 2), ("SELECT 1", 0), ("SELECT $99999999999999999999", 65_536)],
)
def test_parameters_without_a_value_are_counted(sql: str, expected: int) -> None:
    assert explainable(sql).parameters == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * INTO t FROM s", True),
        ("WITH a AS (SELECT 1) SELECT * INTO TEMP t FROM a", True),
        ("SELECT a AS into, t.into, \"into\", 'into' FROM t", False),
        ("INSERT INTO t VALUES (1)", False),
        ("WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x", False),
    ],
)
def test_a_select_that_makes_a_table_is_known(sql: str, expected: bool) -> None:
    assert explainable(sql).makes_table is expected


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE stocks",
        "COPY stocks TO PROGRAM 'sh'",
        "DO $$BEGIN END$$",
        "CALL p()",
        "SET statement_timeout = 0",
        "EXPLAIN EXPLAIN SELECT 1",
        "EXPLAIN CREATE TABLE t AS SELECT 1",
        "EXPLAIN",
        "EXPLAIN (ANALYZE",
        "DECLARE c CURSOR FOR SELECT 1",
        "EXECUTE q",
        "COMMIT",
        "'SELECT 1'",
    ],
)
def test_what_cannot_be_explained_safely_is_refused(sql: str) -> None:
    with pytest.raises(RefusedError):
        explainable(sql)


def test_a_text_without_a_statement_is_unusable_input() -> None:
    with pytest.raises(UsageError, match="no statement"):
        explainable(" -- nothing\n;")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", True),
        ("VALUES (1);", True),
        ("(SELECT 1) UNION (SELECT 2)", True),
        ("SELECT 'for update' AS \"delete\"", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("WITH a AS (DELETE FROM t RETURNING 1) SELECT * FROM a", False),
        ("SELECT * FROM t FOR UPDATE", False),
        ("SELECT * FROM t FOR NO KEY UPDATE", False),
        ("SELECT 1 INTO t", False),
        ("INSERT INTO t VALUES (1)", False),
        ("SELECT 1; SELECT 2", False),
        ("SHOW work_mem", False),
    ],
)
def test_only_a_plain_read_counts_as_one(sql: str, expected: bool) -> None:
    assert is_read(sql) is expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT * FROM t WHERE a = 1", "select *\nfrom T where a=$1 -- note"),
        ("SELECT * FROM t WHERE a IN (1,2,3)", "SELECT * FROM t WHERE a IN ('x')"),
        ("SELECT -1", "SELECT 5"),
        ("SELECT * FROM t WHERE a > -3", "SELECT * FROM t WHERE a > %s"),
        ("SELECT E'\\n' || $$x$$;", "SELECT 'a' || 'b'"),
    ],
)
def test_texts_that_differ_in_values_and_layout_share_a_fingerprint(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t", "SELECT b FROM t"),
        ('SELECT "A" FROM t', 'SELECT "a" FROM t'),
        ("SELECT a - 1", "SELECT a, 1"),
        ("SELECT a FROM t WHERE a < 1", "SELECT a FROM t WHERE a > 1"),
    ],
)
def test_different_queries_have_different_fingerprints(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_one_line_leaves_out_comments_and_says_when_it_is_cut() -> None:
    assert one_line("SELECT a, -- the a\n  b\nFROM t") == "SELECT a, b FROM t"
    assert one_line("SELECT a, b FROM t", 10) == "SELECT a,…"


@seed(5)
@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_the_tokens_of_any_text_are_the_text(sql: str) -> None:
    assert "".join(token.text for token in tokens(sql)) == sql


@seed(6)
@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_more_white_space_does_not_change_a_fingerprint(sql: str) -> None:
    wider = "".join(token.text * 2 if token.kind == "space" else token.text for token in tokens(sql))
    assert fingerprint(wider) == fingerprint(sql)
