"""What leaves the house holds no name and no literal of the user's, and stays consistent."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from perfctl.db.redaction.redactor import Redactor
from perfctl.diagnosis import Check, Diagnosis
from tests.campaign import campaign

SECRET = st.from_regex(r"zq[a-z]{4,10}x", fullmatch=True)


def test_the_same_name_is_the_same_everywhere() -> None:
    redactor = Redactor()
    first = redactor.sql("SELECT t.price FROM trades AS t WHERE \"Note\" = 'Ada' OR note = 'Ada'")
    assert first == "SELECT name1.name2 FROM name3 AS name1 WHERE name4 = 'value1' OR name4 = 'value1'"
    assert redactor.name("public.trades").endswith(".name3")


def test_a_sentence_loses_the_names_that_are_known() -> None:
    redactor = Redactor(["trades", "symbol"])
    assert redactor.prose("an index on \"symbol\" of trades serves 'AAPL'") == (
        "an index on name2 of name1 serves 'value1'"
    )


def test_a_number_is_the_same_value_with_quotes() -> None:
    assert Redactor().sql("a = 47114711 AND b = '47114711'::bigint") == "name1 = value1 AND name2 = 'value1'::bigint"


def test_a_name_of_several_words_is_replaced_whole() -> None:
    redactor = Redactor(["orders-api", "orders-api-2", 'my "table"'])
    assert redactor.prose("pid 7 orders-api, and orders-api-2") == "pid 7 name1, and name2"


def test_a_condition_in_a_sentence_loses_its_numbers_and_counts_stay() -> None:
    redactor = Redactor()
    redactor.sql("(ssn = 47114711)")
    assert redactor.prose("120 of 20000 rows kept, filter (ssn = 47114711)") == (
        "120 of 20000 rows kept, filter (name1 = value1)"
    )


def test_a_measure_that_is_advised_stays_unless_it_is_a_literal() -> None:
    redactor = Redactor()
    assert redactor.prose("SET LOCAL work_mem = '64MB', not '4711'") == "SET LOCAL work_mem = '64MB', not 'value1'"
    redactor.sql("size = '64MB'")
    assert redactor.prose("size = '64MB'") == "name1 = 'value2'"


def test_the_words_of_postgresql_stay() -> None:
    assert (
        Redactor()
        .sql("SELECT count(*) OVER (PARTITION BY 1) FROM pg_sleep($1)")
        .startswith("SELECT count(*) OVER (PARTITION BY value1) FROM ")
    )


def test_a_result_is_renamed_in_all_its_fields() -> None:
    check = Check("indexes", "unused_indexes", "warn", "trades_idx was never read", "DROP INDEX trades_idx;",
                  objects=("public.trades_idx",), database="shop")  # fmt: skip
    answer = Redactor(["trades_idx"]).redacted(Diagnosis("warn", (check,)))
    (row,) = answer.rows
    assert (row.component, row.check, row.status) == ("indexes", "unused_indexes", "warn")
    assert "trades_idx" not in str(answer)
    assert "shop" not in str(answer)


@campaign(60, 5000)
@given(table=SECRET, column=SECRET, value=SECRET)
def test_no_name_and_no_literal_is_left(table: str, column: str, value: str) -> None:
    sql = (
        f'WITH {table} AS (SELECT "{column}" FROM s.{table}) '
        f"SELECT {table}.{column} FROM {table} WHERE {column} = '{value}' -- {value}"
    )
    redactor = Redactor()
    said = redactor.sql(sql) + redactor.prose(f"{table}.{column} of {table}: '{value}'")
    assert not re.search("|".join(map(re.escape, (table, column, value))), said)
