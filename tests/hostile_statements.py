# ruff: noqa: E501 - a statement a line
"""Statements that do harm, and hide it: made from a seed, no two runs of one seed differ."""

from __future__ import annotations

from random import Random

DSN = "host=127.0.0.1 port={port} dbname=traps user=postgres"

_EXPRESSIONS = (
    "trip({n})", "trip_stable({n})", "trip_volatile({n})", "trip_sql({n})", "trip_atomic({n})", "trip_default()",
    "trip_default({n})", "trip_any({n})", "trip_many({n}, 2)", "trip_many(VARIADIC ARRAY[{n}, 2])", "trip($1)",
    "writes_plainly({n})", "length(trip_text('x'))", "length(shouts('x'))", "quiet()::int", "calm({pid}, 0)::int",
    "length(gentle()::text)", "length(remote('{dsn}', 'DELETE FROM victim'))",
    "length(dblink_exec('{dsn}', 'UPDATE victim SET amount = 0'))",
    "(SELECT a FROM dblink('{dsn}', 'DELETE FROM victim RETURNING 1') AS d (a int) LIMIT 1)",
    "(SELECT a FROM dblink_connect('evil', '{dsn}') AS a) = ''", "dblink_send_query('x', 'DELETE FROM victim')",
    "({n} @+@ 1)", "(!! {n})", "({n} OPERATOR(public.@+@) 1)", "({n} <!> 1)::int", "(NOT ({n} === 1))::int",
    "(?^? {pid})::int", "('{n}'::trip_domain)::int", "{n}::trip_domain", "CAST({n} AS trip_deep)",
    "('(1,b)'::trip_pair).a", "trip_domain '{n}'", "trip_domain({n})", "('{{1}}'::trip_domain[])[1]",
    "((1, 2)::trip_kind)::int", "((1, 2)::trip_kind + 1)", "(row(1, 2)::trip_kind)::text::int",
    "((true)::point <-> point(0, 0))::int", "CAST(false AS point)", "(SELECT trip_total(id) FROM victim)::int",
    "(SELECT trip_last(id) FROM victim)::int", "(SELECT max(a) FROM v_trip)", "(SELECT count(*) FROM v_nested)::int",
    "(SELECT a FROM v_reload)::int", "(SELECT count(*) FROM v_filter)::int", "(SELECT max(a) FROM v_operator)",
    "(SELECT max(a) FROM v_domain)", "(SELECT max(a) FROM v_aggregate)::int", "(SELECT max(a) FROM v_next)::int",
    "(SELECT count(*) FROM v_points)::int", "(SELECT max(a) FROM v_subquery)", "(SELECT count(*) FROM v_dblink)::int",
    "(SELECT max(n) FROM v_recursive)", "(SELECT count(*) FROM (SELECT DISTINCT spot FROM victim) AS s)::int",
    "(SELECT count(*) FROM (SELECT spot FROM victim ORDER BY spot LIMIT 3) AS s)::int",
    "(SELECT count(*) FROM (SELECT spot, count(*) FROM victim GROUP BY spot) AS s)::int",
    "(SELECT count(*) FROM (SELECT spot FROM victim UNION SELECT spot FROM victim) AS s)::int",
    "(SELECT count(*) FROM (SELECT rank() OVER (ORDER BY spot) FROM victim) AS s)::int",
    "(SELECT count(*) FROM kinds AS k JOIN kinds AS l USING (kind))::int",
    "(SELECT count(DISTINCT kind) FROM kinds)::int", "(SELECT max(kind.x) FROM kinds WHERE kind IN ((1, 2)))",
    "(SELECT min(id) FROM kinds WHERE kind = (1, 2)::trip_kind)", "(SELECT max(v.trip_of_row) FROM victim AS v)",
    "(SELECT max((v).trip_of_row) FROM victim AS v)", "(SELECT max(trip_of_row(v)) FROM victim AS v)",
    "(SELECT count(*) FROM indexed WHERE id = 3)::int", "(SELECT count(*) FROM inlined WHERE a = 3)::int",
    "(SELECT count(*) FROM parent WHERE a < 3)::int", "(SELECT count(*) FROM counted WHERE a = 3)::int",
    "(SELECT count(*) FROM parted WHERE a = 3)::int", "(SELECT count(*) FROM far)::int",
    "(SELECT count(*) FROM v_far)::int", "(SELECT count(*) FROM command)::int", "(SELECT count(*) FROM guarded)::int",
    "(SELECT max(a) FROM trip_rows({n}) AS a)", "(SELECT max(t.a) FROM trip_table({n}) AS t)",
    "(SELECT max(a) FROM ROWS FROM (trip_rows({n}), generate_series(1, 2)) AS t (a, b))",
    "pg_reload_conf()::int", "pg_rotate_logfile()::int", "pg_cancel_backend({pid})::int",
    "pg_terminate_backend({pid})::int", "pg_terminate_backend(pid => {pid}, timeout => 0)::int",
    "length(pg_switch_wal()::text)", "length(pg_create_restore_point('x')::text)", "length(pg_stat_reset()::text)",
    "length(pg_stat_reset_shared('bgwriter')::text)", "length(public.pg_stat_statements_reset()::text)",
    "length(pg_notify('evil', 'x')::text)", "nextval('numbers')::int", "nextval('public.numbers'::regclass)::int",
    "setval('numbers', 99)::int", "setval('numbers', 99, false)::int", "lo_create(0)::int", "lo_creat(-1)::int",
    "lo_from_bytea(0, 'x')::int", "lo_import('/etc/passwd')::int", "lo_export(1, '{canary}')",
    "length(pg_read_file('postgresql.conf'))", "length(pg_read_binary_file('PG_VERSION'))",
    "(SELECT count(*) FROM pg_ls_dir('.'))::int", "(SELECT size FROM pg_stat_file('PG_VERSION'))::int",
    "pg_file_write('{canary}', 'x', false)::int", "length(set_config('work_mem', '64', false))",
    "length(set_config('transaction_read_only', 'off', true))", "length(set_config('statement_timeout', '0', false))",
    "length(set_config('search_path', 'shadow', false))", "length(pg_export_snapshot())",
    "length(pg_advisory_lock(1)::text)", "pg_try_advisory_lock(1)::int", "length(pg_advisory_xact_lock(2)::text)",
    "length(pg_logical_emit_message(false, 'a', 'b')::text)", "txid_current()::int",
    "pg_current_xact_id()::text::int", "length(setseed(0.5)::text)", "length(pg_backup_start('x', true)::text)",
    "(SELECT count(*) FROM pg_create_physical_replication_slot('s', true))::int",
    "length(pg_replication_origin_create('o')::text)", "pg_import_system_collations('public')",
    "length(query_to_xml('SELECT trip(1)', true, true, '')::text)",
    "length(table_to_xml('v_trip', true, true, '')::text)", "length(schema_to_xml('public', true, true, '')::text)",
    "length(database_to_xml(true, true, '')::text)", "length(query_to_xmlschema('SELECT 1', true, true, '')::text)",
    "(SELECT count(*) FROM ts_stat('SELECT to_tsvector(trip(1)::text)'))::int",
    "length(ts_rewrite('a'::tsquery, 'SELECT trip_text(''a'')::tsquery, ''b''::tsquery')::text)",
    "(SELECT count(*) FROM crosstab('SELECT trip(1)::text, ''a'', ''b''') AS t (a text, b text))::int",
    "(SELECT count(*) FROM connectby('v_trip', 'a', 'a', '1', 0) AS t (a int, b int, c int))::int",
    "(domain_in('5', 'trip_domain'::regtype, -1) IS NULL)::int", "(array_in('{{1}}', 'trip_domain'::regtype, -1) IS NULL)::int",
    "(record_in('(1,b)', 'trip_pair'::regtype, -1) IS NULL)::int", "pg_input_is_valid('5', 'trip_domain')::int",
    "(json_populate_record(NULL::trip_pair, '{{\"a\": 1}}')).a::int",
    "(SELECT a FROM json_to_record('{{\"a\": 1}}') AS t (a trip_domain))::int",
    "(SELECT max(a) FROM jsonb_to_recordset('[{{\"a\": 1}}]') AS t (a trip_domain))::int",
    "(SELECT a FROM json_table('[1]', '$[*]' COLUMNS (a trip_domain PATH '$')) AS j)::int",
    "(SELECT a FROM xmltable('/r' PASSING '<r>1</r>' COLUMNS a trip_domain PATH '.') AS x)::int",
    "GREATEST(trip({n}), 1)", "COALESCE(trip(NULL), 1)", "NULLIF(trip({n}), 1)", "shadow.lower('A')::int",
    "shadow.count({n})::int", "({n} OPERATOR(shadow.=) 1)::int", "(SELECT max(oid) FROM shadow.pg_class)",
    "array_length(ARRAY[trip({n})], 1)", "(ARRAY[1, 2])[trip(1)]", "trip(trip(1))", "abs(trip({n}))",
    "lo_unlink(1)", "brin_summarize_new_values('victim_pkey')", "gin_clean_pending_list('victim_pkey')::int",
    "binary_upgrade_set_record_init_privs(true)::text::int", "pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')::int",
    "(currtid2('victim', '(0,1)') IS NULL)::int", "pg_promote()::int", "pg_log_backend_memory_contexts({pid})::int",
)  # fmt: skip

_CONTEXTS = (
    "SELECT {e}", "SELECT {e} AS a, count(*) FROM victim GROUP BY 1", "VALUES ({e})", "VALUES (1), ({e})",
    "SELECT id FROM victim WHERE {e} IS NOT NULL LIMIT 1", "SELECT id FROM victim WHERE id = {e}",
    "SELECT count(*) FROM victim HAVING count({e}) > 0", "SELECT id FROM victim ORDER BY {e} LIMIT 1",
    "SELECT id FROM victim LIMIT (SELECT 1 WHERE {e} IS NOT NULL)", "SELECT id FROM victim OFFSET (SELECT 0 FROM (SELECT {e}) AS o)",
    "WITH c AS (SELECT {e} AS a) SELECT * FROM c", "WITH c AS MATERIALIZED (SELECT {e} AS a) SELECT 1 FROM c",
    "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3 AND {e} IS NOT NULL) SELECT * FROM r",
    "SELECT * FROM (SELECT {e} AS a OFFSET 0) AS s", "SELECT * FROM victim AS v, LATERAL (SELECT {e} AS a) AS s LIMIT 2",
    "SELECT CASE WHEN {e} IS NULL THEN 1 ELSE 2 END", "SELECT CASE {e} WHEN 1 THEN 1 END",
    "SELECT EXISTS (SELECT {e})", "SELECT 1 IN (SELECT 1 WHERE {e} IS NOT NULL)", "SELECT ARRAY(SELECT {e})",
    "SELECT sum(id) FILTER (WHERE {e} IS NOT NULL) FROM victim", "SELECT row_number() OVER (ORDER BY {e}) FROM victim LIMIT 1",
    "SELECT sum(id) OVER w FROM victim WINDOW w AS (PARTITION BY {e}) LIMIT 1", "SELECT DISTINCT ON ({e}) id FROM victim",
    "SELECT id FROM victim GROUP BY GROUPING SETS ((id), ({e}, id)) LIMIT 1", "SELECT 1 UNION SELECT 2 WHERE {e} IS NOT NULL",
    "SELECT v.id FROM victim AS v JOIN victim AS w ON v.id = w.id AND {e} IS NOT NULL LIMIT 1",
    "SELECT * FROM generate_series(1, 1) AS g WHERE g BETWEEN 0 AND 5 AND {e} IS NOT NULL",
    "SELECT json_build_object('a', {e})", "SELECT ROW({e}, 1)", "SELECT ({e})::text", "TABLE victim UNION SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE {e} IS NULL",
    "EXPLAIN SELECT {e}", "EXPLAIN ANALYZE SELECT {e}", "EXPLAIN (ANALYZE, COSTS off) SELECT {e}", "EXPLAIN (VERBOSE) SELECT * FROM victim WHERE {e} IS NOT NULL",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ({e})::float8)", "SELECT string_agg(({e})::text, ',') FROM victim",
    "SELECT id FROM victim TABLESAMPLE bernoulli(100) WHERE {e} IS NOT NULL", "SELECT a FROM unnest(ARRAY[{e}]) AS a",
    "SELECT format('%s', {e})", "SELECT 1 WHERE ({e}, 1) IS DISTINCT FROM (1, 1)", "SELECT id FROM victim FETCH FIRST 1 ROWS ONLY FOR UPDATE",
    "SELECT v_trip FROM v_trip WHERE {e} IS NOT NULL", "(SELECT {e})", "((SELECT {e}) UNION ALL (SELECT 1))",
)  # fmt: skip

_STATEMENTS = (
    "DELETE FROM victim", "UPDATE victim SET amount = 0", "INSERT INTO trace (what) VALUES ('x')", "TRUNCATE victim",
    "MERGE INTO victim AS v USING (VALUES (1)) AS s (id) ON v.id = s.id WHEN MATCHED THEN DELETE", "DROP TABLE victim",
    "WITH d AS (DELETE FROM victim RETURNING id) SELECT * FROM d", "WITH u AS (UPDATE victim SET amount = 1 RETURNING 1) TABLE u",
    "SELECT * FROM (WITH i AS (INSERT INTO trace (what) VALUES ('x') RETURNING 1) SELECT * FROM i) AS s",
    "SELECT * INTO copied FROM victim", "SELECT id INTO TEMP t FROM victim", "CREATE TABLE t AS SELECT {e} AS a",
    "CREATE TEMP VIEW t AS SELECT {e} AS a", "CREATE MATERIALIZED VIEW m AS SELECT {e} AS a", "REFRESH MATERIALIZED VIEW m",
    "COPY victim TO PROGRAM 'touch {canary}'", "COPY (SELECT {e}) TO STDOUT", "COPY victim FROM PROGRAM 'touch {canary}'",
    "COPY (SELECT 1) TO '{canary}'", "DO $$ BEGIN DELETE FROM victim; END $$", "DO $x$ BEGIN PERFORM trip(1); END $x$",
    "CALL missing()", "BEGIN", "COMMIT", "ROLLBACK", "ABORT", "SAVEPOINT a", "PREPARE TRANSACTION 'x'", "START TRANSACTION READ WRITE",
    "SET statement_timeout = 0", "SET TRANSACTION READ WRITE", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off", "SET LOCAL transaction_read_only = off", "SET ROLE postgres", "RESET ALL",
    "SET search_path = shadow, pg_catalog", "ALTER SYSTEM SET work_mem = '1GB'", "ALTER DATABASE traps SET work_mem = '1GB'",
    "ALTER ROLE postgres SET work_mem = '64MB'", "CREATE ROLE evil SUPERUSER", "GRANT ALL ON victim TO PUBLIC", "DISCARD ALL",
    "PREPARE p AS SELECT {e}", "EXECUTE p", "DEALLOCATE ALL", "DECLARE c CURSOR FOR SELECT {e}", "DECLARE c CURSOR WITH HOLD FOR SELECT {e}",
    "FETCH ALL FROM c", "CLOSE ALL", "LISTEN evil", "NOTIFY evil, 'x'", "UNLISTEN *", "LOCK TABLE victim", "VACUUM victim", "ANALYZE victim",
    "CHECKPOINT", "REINDEX TABLE victim", "CLUSTER victim USING victim_pkey", "LOAD 'dblink'", "CREATE EXTENSION hstore", "DROP EXTENSION dblink",
    "COMMENT ON TABLE victim IS 'x'", "SECURITY LABEL ON TABLE victim IS 'x'", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "EXPLAIN ANALYZE DELETE FROM victim", "EXPLAIN (ANALYZE true) UPDATE victim SET amount = 0", "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
    "EXPLAIN ANALYZE EXECUTE p", "EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM victim", "EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT {e}",
    "EXPLAIN (ANALYZE 1) INSERT INTO trace (what) VALUES ('x')", "EXPLAIN EXPLAIN ANALYZE DELETE FROM victim", "SELECT * FROM victim FOR UPDATE",
    "SELECT * FROM victim FOR NO KEY UPDATE SKIP LOCKED", "SELECT * FROM victim FOR SHARE", "IMPORT FOREIGN SCHEMA public FROM SERVER here INTO public",
    "CREATE DATABASE evil", "DROP DATABASE IF EXISTS shadowed", "CREATE PUBLICATION p FOR ALL TABLES", "REASSIGN OWNED BY postgres TO postgres",
)  # fmt: skip

_SECOND = (
    "DELETE FROM victim",
    "SELECT trip(1)",
    "COMMIT",
    "SET statement_timeout = 0",
    "DROP TABLE victim",
    "SELECT 1",
)


def hostile(seed: int, *, port: int, pid: int, canary: str) -> str:
    """One statement that would do harm, were it run or planned as it stands."""
    random = Random(seed)
    values = {"n": random.randint(-3, 9), "dsn": DSN.format(port=port), "pid": pid, "canary": canary}
    expression = random.choice(_EXPRESSIONS).format(**values)
    if random.random() < 0.25:
        expression = f"({expression})::int + ({random.choice(_EXPRESSIONS).format(**values)})::int"
    if random.random() < 0.7:
        statement = random.choice(_CONTEXTS).replace("{e}", expression)
    else:
        statement = random.choice(_STATEMENTS).replace("{e}", expression).replace("{canary}", canary)
    for trick in random.sample(_TRICKS, k=random.choice((0, 0, 1, 1, 2, 3))):
        statement = trick(statement, random)
    return statement


def _comment(statement: str, random: Random) -> str:
    inner = random.choice(
        ("/**/", "/* a /* nested */ b */", "--\n", "/* ; */", "/*' */", "\n", "\t", "\f", "-- ;\n", "/*$$*/")
    )
    return _at_a_blank(statement, inner, random)


def _at_a_blank(statement: str, inner: str, random: Random) -> str:
    """In place of a blank that stands in no literal."""
    pieces = statement.split("'")
    at = random.randrange(0, len(pieces), 2)
    words = pieces[at].split(" ")
    cut = random.randrange(len(words))
    pieces[at] = " ".join(words[:cut]) + (" " if cut else "") + inner + " " + " ".join(words[cut:])
    return "'".join(pieces)


def _in_front(statement: str, random: Random) -> str:
    return (
        random.choice(
            (
                "/* SELECT */ ",
                "-- SELECT 1;\n",
                "( ",
                ";",
                " \n",
                "\ufeff",
                "EXPLAIN ",
                "EXPLAIN ANALYZE ",
                "WITH x AS (SELECT 1) ",
            )
        )
        + statement
    )


def _behind(statement: str, random: Random) -> str:
    return statement + random.choice((";", ";;", " ; -- end", " /* end", "; /* ; */", "\x00", ")"))


def _several(statement: str, random: Random) -> str:
    second = random.choice(_SECOND)
    return random.choice(
        (f"{statement}; {second}", f"{second}; {statement}", f"SELECT ';'; {statement}", f"SELECT 1 --\n;{statement}")
    )


def _case(statement: str, random: Random) -> str:
    pieces = statement.split("'")
    pieces[0::2] = ["".join(random.choice((c.upper(), c.lower())) for c in piece) for piece in pieces[0::2]]
    return "'".join(pieces)


def _quoted(statement: str, random: Random) -> str:
    return statement.replace(
        "trip(",
        random.choice(
            (
                '"trip"(',
                "public.trip(",
                'public."trip" (',
                '"public" . "trip"(',
                'U&"\\0074rip"(',
                "U&\"!0074rip\" UESCAPE '!'(",
                "traps.public.trip(",
            )
        ),
    )


def _qualified(statement: str, random: Random) -> str:
    return statement.replace(
        "pg_", random.choice(("pg_catalog.pg_", "pg_catalog . pg_", '"pg_catalog".pg_', "PG_CATALOG.pg_")), 1
    )


def _dollar(statement: str, random: Random) -> str:
    return statement.replace("'x'", random.choice(("$$x$$", "$a$x$a$", "E'\\x78'", "U&'\\0078'", "N'x'", "'x'\n''")))


def _wrapped(statement: str, random: Random) -> str:
    return f"SELECT * FROM ({statement}) AS w"


_TRICKS = (_comment, _in_front, _behind, _several, _case, _quoted, _qualified, _dollar, _wrapped)
