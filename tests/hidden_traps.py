# ruff: noqa: E501 - SQL, a definition a line
"""Code that a statement reaches without a word for it: each trap, in a database of its kind, and the statements that step on it."""

from __future__ import annotations

from typing import NamedTuple

BASE = """
CREATE TABLE numbers (a int);
INSERT INTO numbers SELECT i FROM generate_series(1, 20) AS i;
CREATE FUNCTION trip(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;
CREATE FUNCTION trip_text(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;
CREATE FUNCTION trip_nothing(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;
CREATE DOMAIN trip_domain AS int CHECK (trip_nothing(VALUE));
"""
"""Nobody vouches for `trip` and its like, whatever they are declared."""


class Trap(NamedTuple):
    """What is laid, and who steps on it."""

    laid: str
    statements: tuple[str, ...]
    since: int = 13
    until: int = 99


WORDS = (
    Trap(
        "",
        (
            "EXPLAIN DELETE FROM numbers WHERE a = trip(1)",
            "EXPLAIN WITH d AS (DELETE FROM numbers RETURNING a) SELECT trip(1)",
            "EXPLAIN SELECT * FROM numbers WHERE a = trip(1) FOR UPDATE",
            "EXPLAIN INSERT INTO numbers SELECT trip(1)",
            "SELECT (5).trip",
            "SELECT ('a'::text).trip_text",
            "SELECT g.trip FROM generate_series(1, 2) AS g",
            "SELECT generate_series.trip FROM generate_series(1, 2)",
            "SELECT (x.y).trip FROM (SELECT 1 AS y) AS x",
            "SELECT satisfies_hash_partition('numbers'::regclass, 4, 0, 5)",
            "SELECT fmgr_c_validator(1)",
        ),
    ),
    Trap("CREATE DOMAIN outer_domain AS int CHECK ((VALUE::text::trip_domain) IS NOT NULL)", ("SELECT 5::outer_domain",)),
    Trap(
        "CREATE VIEW v_record AS SELECT count(*) FROM json_to_record('{\"a\": 1}') AS t (a trip_domain)",
        ("SELECT * FROM v_record",),
    ),
    Trap(
        "CREATE VIEW v_value AS SELECT JSON_VALUE('1', '$' RETURNING trip_domain) IS NULL AS x;"
        "CREATE VIEW v_table AS SELECT count(*) FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a trip_domain PATH '$'))",
        ("SELECT * FROM v_value", "SELECT * FROM v_table"),
        since=17,
    ),
    Trap(
        "CREATE TABLE plain (id int, a int);"
        "CREATE FUNCTION same_rows(plain, plain) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;"
        "CREATE OPERATOR = (FUNCTION = same_rows, LEFTARG = plain, RIGHTARG = plain);"
        "CREATE FUNCTION plain_text(plain) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;"
        "CREATE CAST (plain AS text) WITH FUNCTION plain_text(plain) AS IMPLICIT",
        (
            "SELECT v = w FROM plain AS v, plain AS w", "SELECT v IS DISTINCT FROM w FROM plain AS v, plain AS w",
            "SELECT v::text FROM plain AS v", "SELECT length(v) FROM plain AS v", "SELECT v.length FROM plain AS v",
            "SELECT CASE v WHEN w THEN 1 END FROM plain AS v, plain AS w",
            "SELECT v IN (SELECT w FROM plain AS w) FROM plain AS v",
        ),
    ),
    Trap(
        "CREATE TABLE folded_default (a int);"
        "CREATE FUNCTION defaulted(int, int DEFAULT trip(7)) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;"
        "CREATE INDEX ON folded_default (defaulted(a));"
        "CREATE TABLE folded_case (a int); CREATE INDEX ON folded_case (trip(CASE WHEN true THEN 1 ELSE a END));"
        "CREATE TABLE folded_coalesce (a int); CREATE INDEX ON folded_coalesce ((trip(COALESCE(1, a)) + a));"
        "CREATE TABLE folded_null (a int); CREATE INDEX ON folded_null (trip(a + NULL::int));"
        "CREATE TABLE folded_or (a int, CHECK (trip((a > 0 OR true)::int) > 0))",
        tuple(f"SELECT * FROM folded_{what} WHERE a = 3" for what in ("default", "case", "coalesce", "null", "or")),
    ),
    Trap(
        "CREATE TABLE parted (id int, a int) PARTITION BY RANGE ((a + trip(0)));"
        "CREATE TABLE part_of_it PARTITION OF parted FOR VALUES FROM (0) TO (100)",
        ("SELECT * FROM part_of_it WHERE a = 3",),
    ),
    Trap(
        "CREATE AGGREGATE mixed(numeric) (SFUNC = numeric_accum, STYPE = internal, FINALFUNC = numeric_poly_avg)",
        ("SELECT mixed(a) FROM numbers",),
    ),
    Trap(
        "CREATE OR REPLACE FUNCTION information_schema._pg_char_max_length(typid oid, typmod int4) RETURNS integer"
        " LANGUAGE sql IMMUTABLE AS 'SELECT public.trip(1)'",
        (
            "SELECT character_maximum_length FROM information_schema.columns",
            "SELECT information_schema._pg_char_max_length(25, 3)",
        ),
        since=14,
    ),
    *(
        Trap(f"CREATE FUNCTION {call} RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$", (text,), until=15)
        for call, text in (
            ("json_value(text, text)", "SELECT json_value('a', 'b')"),
            ("json_query(text, text)", "SELECT json_query('a', 'b')"),
            ("json_exists(text, text)", "SELECT json_exists('a', 'b')"),
            ("json_object(int, int)", "SELECT json_object(1, 2)"),
            ("json_array(int, int)", "SELECT json_array(1, 2)"),
            ("json_arrayagg(int)", "SELECT json_arrayagg(1)"),
            ("json_scalar(int)", "SELECT json_scalar(1)"),
            ("json_serialize(text)", "SELECT json_serialize('1')"),
            ("json(int)", "SELECT json(1)"),
            ("merge_action()", "SELECT merge_action()"),
        )
    ),
)  # fmt: skip
"""In one database: none of them makes a type suspect that others need."""


def _ordering(type_: str) -> str:
    return f"""
    CREATE FUNCTION compares({type_}, {type_}) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;
    CREATE FUNCTION less({type_}, {type_}) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'tripped'; END $$;
    CREATE OPERATOR <<<< (FUNCTION = less, LEFTARG = {type_}, RIGHTARG = {type_});
    CREATE OPERATOR ==== (FUNCTION = less, LEFTARG = {type_}, RIGHTARG = {type_});
    CREATE OPERATOR CLASS {type_}_order DEFAULT FOR TYPE {type_} USING btree AS
        OPERATOR 1 <<<<, OPERATOR 3 ====, FUNCTION 1 compares({type_}, {type_})"""


ORDERED = (
    Trap(_ordering("xid"), ("SELECT xmin FROM numbers ORDER BY xmin",)),
    Trap(_ordering("xml"), ("SELECT DISTINCT xmlelement(name a)", "SELECT xmlforest(a) FROM numbers ORDER BY 1")),
    Trap(
        _ordering("json"),
        (
            "SELECT JSON_SCALAR(1) UNION SELECT JSON_SCALAR(2)", "SELECT DISTINCT JSON_ARRAY(1, 2) FROM numbers",
            "SELECT JSON_OBJECT('a': 1) UNION SELECT JSON_OBJECT('a': 2)", "SELECT JSON('{}') UNION SELECT JSON('[]')",
        ),
    ),
    Trap(
        "CREATE FUNCTION finds(internal, internal, internal, internal) RETURNS internal LANGUAGE internal AS 'pg_stat_reset';"
        "CREATE TEXT SEARCH TEMPLATE planted (LEXIZE = finds); CREATE TEXT SEARCH DICTIONARY planted (TEMPLATE = planted)",
        (
            "SELECT ts_lexize('planted', 'abc')", "SELECT to_tsvector('simple', 'abc')", "SELECT 'a'::text @@ 'b'::text",
            "SELECT plainto_tsquery('abc')", "SELECT ts_headline('abc', 'abc'::tsquery)", "SELECT * FROM ts_debug('abc')",
        ),
    ),
    Trap(
        "CREATE FUNCTION supports(internal) RETURNS internal LANGUAGE internal AS 'pg_stat_reset';"
        "ALTER FUNCTION pg_catalog.int4larger(int, int) SUPPORT supports;"
        "CREATE FUNCTION keeps(internal) RETURNS index_am_handler LANGUAGE internal AS 'pg_stat_reset';"
        "CREATE ACCESS METHOD planted TYPE INDEX HANDLER keeps;"
        "CREATE FUNCTION converts(int, int, cstring, internal, int, bool) RETURNS int LANGUAGE internal AS 'pg_stat_reset';"
        "CREATE DEFAULT CONVERSION planted FOR 'LATIN1' TO 'KOI8R' FROM converts",
        (
            "SELECT int4larger(1, 2)", "SELECT pg_indexam_has_property(oid, 'can_order') FROM pg_am",
            "SELECT convert('abc', 'LATIN1', 'KOI8R')", "SELECT convert_from('abc', 'LATIN1')",
        ),
    ),
)  # fmt: skip
"""Each in a database of its own."""
