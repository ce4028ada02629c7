"""Conditions as EXPLAIN prints them are taken apart: the column, the comparison, what hides it from an index."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.db.findings.conditions import equalities, indexable, parts
from tests.campaign import campaign

_SHAPES = [
    ("(status = 'open'::text)", [("equality", "status")]),
    ("((city = 'x y'::text) AND (score >= 3))", [("equality", "city"), ("range", "score")]),
    ("(t.id = ANY ('{1,2}'::integer[]))", [("equality", "id")]),
    ("(active AND (NOT deleted) AND (at IS NULL))",
     [("equality", "active"), ("equality", "deleted"), ("equality", "at")]),
    ('("Order" = 5)', [("equality", "Order")]),
    ("('5'::numeric = price)", [("equality", "price")]),
    ("(at > '2025-01-01 00:00:00+00'::timestamp with time zone)", [("range", "at")]),
    ("(lower(email) = 'a''b)'::text)", [("function", "email")]),
    ("(date_trunc('day'::text, at) = now())", [("function", "at")]),
    ("(EXTRACT(year FROM born) = '1980'::numeric)", [("function", "born")]),
    ("((at)::date = '2025-01-01'::date)", [("function", "at")]),
    ("((id + 1) = 5)", [("function", "id")]),
    ("((qty)::numeric = '5'::numeric)", [("cast", "qty")]),
    ("((qty)::double precision > '5'::double precision)", [("cast", "qty")]),
    ("((account)::text = '42'::text)", [("cast", "account")]),
    ("((email)::text = 'a@b'::text)", [("equality", "email")]),
    ("((email)::text ~~ '%b'::text)", [("wildcard", "email")]),
    ("(note ~~ 'b%'::text)", [("range", "note")]),
    ("(note ~~* '_b'::text)", [("wildcard", "note")]),
    ("((a = 1) OR (b = 2))", [("other", None)]),
    ("((a = 1) OR (a = 2))", [("equality", "a")]),
    ("((a = 1) OR (a > 7))", [("range", "a")]),
    ("((title ~~ '%b%'::text) OR (body ~~* '%b%'::text))", [("wildcard", "title")]),
    ("((a = 1) OR (lower(b) = 'x'::text))", [("function", "b")]),
    ("((a = 1) OR ((b > 2) AND (c = 3)))", [("other", None)]),
    ("(((account)::bigint)::text = '42'::text)", [("cast", "account")]),
    ("(((at)::date)::text = '2025-01-01'::text)", [("function", "at")]),
    ("(NOT (hashed SubPlan 1))", [("subplan", None)]),
    ("(a.x = b.y)", [("equality", "x")]),
    ("(amount > (InitPlan 1).col1)", [("range", "amount")]),
    ("(amount > $0)", [("range", "amount")]),
    ("", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shape"), _SHAPES, ids=[text or "nothing" for text, _ in _SHAPES])
def test_a_condition_is_taken_apart(text: str, shape: list[tuple[str, str | None]]) -> None:
    read = [(one.kind, one.column if one.is_constant or one.kind != "other" else None) for one in parts(text)]
    assert read == shape


def test_a_join_compares_no_constant() -> None:
    assert equalities("(a.x = b.y)", "(a.z = 1)") == ("z",)
    assert indexable("(a.x = b.y)") == ()


@campaign(200, 20_000)
@given(st.text(alphabet="ab'\"()[]:.,=<>~%$1 ANDORNT_é", max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for one in parts(text):
        assert one.text in text or one.text


def test_deep_parentheses_are_read() -> None:
    assert parts("(" * 400 + "a = 1" + ")" * 400)[0].column == "a"
