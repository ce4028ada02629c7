"""Texts that differ only in values, case and layout have one shape, whoever wrote the values down."""

from __future__ import annotations

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from perfctl.db.normalform import normal_form
from perfctl.db.sqltext import fingerprint

ALIKE = (
    # the log's text, and pg_stat_statements' as PostgreSQL 15 and 18 wrote it
    ("select 'a'::date, date '2024-01-01'", "select $1::date, date $2"),
    ("select true, null::text, 1 is null", "select $1, $2::text, $3 is null"),
    ("select -1, a -1, (a)-1, @ -5 from t", "select $1, a -$2, (a)-$3, @ $4 from t"),
    ("select * from t where a in (1, -2, 3)", "select * from t where a in ($1 /*, ... */)"),
    ("select 'a' in ('a'::text, cast('b' as text))", "select $1 in ($2 /*, ... */)"),
    ("select array[[1,2],[3,4]]", "select array[[$1 /*, ... */],[$2 /*, ... */]]"),
    ("select extract(year from now())", "select extract($1 from now())"),
    ("select N'n', E'a\\'b', $$c$$, U&'d', 'e'\n'f'", "select N$1, $2, $3, $4, $5"),
    ("select a from t limit all", "select a from t limit $1"),
    ("savepoint s1", "savepoint $1"),
    ("/* app:web */ SELECT  A -- b\nFROM T;", "select a from t"),
    ("select 1e5, 1.5e-3, .5, 5., 0x1f, 1_000", "select $1, $2, $3, $4, $5, $6"),
    ("insert into t values (1,'a'),(2,'b')", "insert into t values ($1,$2),($3,$4)"),
    ("insert into t values (1,'a')", "insert into t values (%s,%s)"),
)
UNLIKE = (
    ("select 1", "select 1, 2"),
    ("select f(1)", "select f(1, 2)"),
    ("select a from t", 'select "A" from t'),
    ("select a from t where b is null", "select a from t where b is not null"),
    ("select a from t where b is null", "select a from t where b is true"),
    ("select a from t where b ? 'x'", "select a from t where b = 'x'"),
    ("select a from t where a in (1, b)", "select a from t where a in (b, 1)"),
    ("insert into t values (1)", "insert into t values (1, 2)"),
)


@pytest.mark.parametrize(("logged", "counted"), ALIKE)
def test_one_shape_has_one_fingerprint(logged: str, counted: str) -> None:
    assert normal_form(logged) == normal_form(counted)
    assert fingerprint(logged) == fingerprint(counted)


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_another_shape_has_another(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


@seed(5)
@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="aeN_$1'.-+x(),? \"\\\n/*E0", max_size=30))
def test_the_short_way_to_a_fingerprint_leads_to_the_same(sql: str) -> None:
    from perfctl.db import sqltext

    assert fingerprint(sql) == sqltext._hash(sql)


@pytest.mark.parametrize(
    "sql", ["", " ", ";", "'", '"', "/*", "$$", "(", "in (", "array [", "values (", "extract ( from"]
)
def test_any_text_has_a_shape(sql: str) -> None:
    assert len(fingerprint(sql)) == 16
