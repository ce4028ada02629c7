"""Placeholders become parameters of the server, whatever stands around them, and values never become text."""

from __future__ import annotations

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from perfctl.db.parameters import bound, numbered
from perfctl.errors import UsageError
from tests.campaign import campaign


@pytest.mark.parametrize(
    ("sql", "count", "expected"),
    [
        ("SELECT * FROM stocks WHERE sector = %s AND id > %s", 2, "SELECT * FROM stocks WHERE sector = $1 AND id > $2"),
        ("SELECT '%s', \"%s\", $$%s$$, E'\\'%s' -- %s\n, %s", 1, "SELECT '%s', \"%s\", $$%s$$, E'\\'%s' -- %s\n, $1"),
        ("SELECT /* %s /* %s */ %s */ %s", 1, "SELECT /* %s /* %s */ %s */ $1"),
        ("SELECT 7 %% 2 = %s", 1, "SELECT 7 % 2 = $1"),
        ("SELECT 7 %% 2", 0, "SELECT 7 %% 2"),
        ("SELECT a %size FROM t WHERE b = %s", 1, "SELECT a %size FROM t WHERE b = $1"),
        ("SELECT * FROM t LIMIT%s", 1, "SELECT * FROM t LIMIT $1"),
        ("SELECT %s::int + $$x$$", 1, "SELECT $1::int + $$x$$"),
        ("SELECT name % 'x' FROM t WHERE id = $1", 1, "SELECT name % 'x' FROM t WHERE id = $1"),
        ("SELECT a<%s", 1, "SELECT a<$1"),
    ],
)
def test_placeholders_become_numbers_and_everything_else_stays(sql: str, count: int, expected: str) -> None:
    assert numbered(sql, count) == expected


def test_a_wrong_number_of_parameters_names_both_numbers() -> None:
    with pytest.raises(UsageError, match=r"2 placeholders .* 1 parameter was given"):
        numbered("SELECT %s, %s", 1)


def test_two_kinds_of_placeholder_in_one_statement_are_refused() -> None:
    with pytest.raises(UsageError, match="both %s and"):
        numbered("SELECT %s, $1", 1)


@seed(7)
@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="'\"$\\%s;-/*abE&U \n", max_size=40))
def test_values_never_change_how_many_placeholders_there_are(value: str) -> None:
    literal = "'" + value.replace("'", "''") + "'"
    assert numbered(f"SELECT {literal}, %s", 1) == f"SELECT {literal}, $1"


@pytest.mark.parametrize(
    ("sql", "params", "expected"),
    [
        ("SELECT %(a)s, %(b)s, %(a)s", {"a": 1, "b": 2}, ("SELECT $1, $2, $1", (1, 2))),
        (
            "SELECT %(a)s::int, x::text, y[1:2], z->>'%(b)s'",
            {"a": 1},
            ("SELECT $1::int, x::text, y[1:2], z->>'%(b)s'", (1,)),
        ),
        ("SELECT 7 %% 2 = %(a)s", {"a": 1}, ("SELECT 7 % 2 = $1", (1,))),
        ("SELECT 7 % (b) s", (), ("SELECT 7 % (b) s", ())),
        ("SELECT 1 -- %(a)s", {}, ("SELECT 1 -- %(a)s", ())),
        ('SELECT "%(a)s", $$%(a)s$$, %(ä)s', {"ä": 1}, ('SELECT "%(a)s", $$%(a)s$$, $1', (1,))),
        ("SELECT $1, $2, $1", (1, 2), ("SELECT $1, $2, $1", (1, 2))),
        ("SELECT $1", (), ("SELECT $1", ())),
        ("SELECT %s", ["a"], ("SELECT $1", ("a",))),
        ("SELECT %s, %s", range(2), ("SELECT $1, $2", (0, 1))),
    ],
)
def test_parameters_are_bound_in_order_or_by_name(sql: str, params: object, expected: object) -> None:
    assert bound(sql, params) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sql", "params", "said"),
    [
        ("SELECT %(a)s, %(b)s", {"b": 1}, "no value was given for a"),
        ("SELECT %(a)s", {"a": 1, "c": 2}, "a value was given for 'c'"),
        ("SELECT %s", {"a": 1}, "a value was given for 'a'"),
        ("SELECT %(a)s, %(b)s", (1, 2), "the statement's parameters have names: a, b"),
        ("SELECT %(a)s, %s", {"a": 1}, r"both %s and %\(name\)s"),
        ("SELECT %(a)s, $1", {"a": 1}, r"both %s and \$1"),
        ("SELECT $1", (1, 2), r"1 parameter \(\$1 ...\), and 2 parameters were given"),
        ("SELECT 1", (1,), r"0 parameters \(\$1 ...\), and 1 parameter was given"),
        ("SELECT %s", (), r"1 placeholder \(%s\), and 0 parameters were given"),
        ("SELECT %s", "technology", "params is a str, not values in order"),
        ("SELECT %s", b"t", "params is a bytes, not values in order"),
        ("SELECT %s", 7, "params is a int, not values in order"),
        ("SELECT %s", {7}, "params is a set, not values in order"),
    ],
)
def test_parameters_that_do_not_fit_are_named(sql: str, params: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bound(sql, params)  # type: ignore[arg-type]


_PIECES = st.sampled_from(
    [
        "'%s'",
        '"%(a)s"',
        "$$ %s $$",
        "-- %(a)s\n",
        "/* %s /* %(b)s */ */",
        "E'\\'%s'",
        "x",
        " ",
        "% ",
        "%%",
        "::int",
        "[1:2]",
    ]
)


@campaign(200, 20_000)
@given(st.lists(st.one_of(_PIECES, st.just(" %s ")), max_size=12))
def test_only_what_stands_outside_is_a_placeholder(pieces: list[str]) -> None:
    wanted = pieces.count(" %s ")
    text, values = bound(" ".join(pieces), tuple(range(wanted)))
    expected, number = [], 0
    for piece in pieces:
        number += piece == " %s "
        expected.append(f" ${number} " if piece == " %s " else "%" if piece == "%%" and wanted else piece)
    assert (text, values) == (" ".join(expected), tuple(range(wanted)))


@campaign(200, 20_000)
@given(
    st.lists(st.sampled_from(["a", "b", "c_1"]), min_size=1, max_size=8),
    st.text(alphabet="'\"$\\%s;-/*()", max_size=20),
)
def test_named_values_are_bound_once_each_and_never_pasted(names: list[str], hostile: str) -> None:
    text, values = bound("SELECT " + ", ".join(f"%({name})s" for name in names), dict.fromkeys(names, hostile))
    order = list(dict.fromkeys(names))
    assert text == "SELECT " + ", ".join(f"${order.index(name) + 1}" for name in names)
    assert values == (hostile,) * len(order)
