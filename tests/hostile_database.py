# ruff: noqa: E501 - SQL, a definition a line
"""A database full of traps, each of which a statement could step on that only seems to read; and how to see that none was.

Whatever a trap is hidden behind, it writes a row of its own accord, through another connection (dblink), so that no
rollback takes it back.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.postgres_server import PostgresServer

SETTINGS = {
    # An idle server writes no WAL then: every byte of it is an effect.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "8GB",
    "max_prepared_transactions": "2",
}

_TRAPS = """
CREATE EXTENSION dblink;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
CREATE EXTENSION tablefunc;
CREATE EXTENSION pg_trgm;
CREATE TABLE trace (at serial, what text);
CREATE TABLE victim (id int PRIMARY KEY, name text, amount numeric, at timestamptz, tags text[], doc jsonb, spot point);
INSERT INTO victim SELECT i, 'n' || i, i, '2024-01-01', ARRAY['a', 'b'], '{{"a": 1}}', point(i, i)
FROM generate_series(1, 200) AS i;
CREATE SEQUENCE numbers;

CREATE FUNCTION trip(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM public.dblink_exec('{dsn}', 'INSERT INTO trace (what) VALUES (''trip'')'); RETURN $1; END $$;
CREATE FUNCTION trip_stable(int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN public.trip($1); END $$;
CREATE FUNCTION trip_volatile(int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN public.trip($1); END $$;
CREATE FUNCTION trip_sql(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.trip($1)';
CREATE FUNCTION trip_atomic(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN public.trip($1);
CREATE FUNCTION trip_default(int DEFAULT trip(7), int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION trip_rows(int) RETURNS SETOF int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN NEXT public.trip($1); END $$;
CREATE FUNCTION trip_table(int) RETURNS TABLE (a int, b int) LANGUAGE sql STABLE AS 'SELECT public.trip($1), 1';
CREATE FUNCTION trip_any(anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM public.trip(1); RETURN $1; END $$;
CREATE FUNCTION trip_many(VARIADIC int[]) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.trip(1); END $$;
CREATE FUNCTION trip_of_row(victim) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.trip(1); END $$;
CREATE FUNCTION trip_sum(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.trip($2); END $$;
CREATE FUNCTION trip_same(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.trip(1) = 1; END $$;
CREATE FUNCTION trip_text(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.trip(1); RETURN $1; END $$;
CREATE FUNCTION writes_plainly(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN INSERT INTO public.trace (what) VALUES ('plain'); RETURN 1; END $$;
CREATE FUNCTION shouts(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT pg_notify(''evil'', $1)::text';
CREATE FUNCTION quiet() RETURNS bool LANGUAGE internal AS 'pg_reload_conf';
CREATE FUNCTION calm(int, bigint) RETURNS bool LANGUAGE internal IMMUTABLE AS 'pg_terminate_backend';
CREATE FUNCTION gentle() RETURNS void LANGUAGE internal IMMUTABLE AS 'pg_stat_reset';
CREATE FUNCTION remote(text, text) RETURNS text AS '$libdir/dblink', 'dblink_exec' LANGUAGE c IMMUTABLE;

CREATE OPERATOR @+@ (FUNCTION = trip_sum, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR !! (FUNCTION = trip, RIGHTARG = int);
CREATE FUNCTION is_same(int, int) RETURNS bool LANGUAGE internal IMMUTABLE AS 'int4eq';
CREATE OPERATOR <!> (FUNCTION = trip_same, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR === (FUNCTION = is_same, LEFTARG = int, RIGHTARG = int, NEGATOR = !==);
CREATE OPERATOR !== (FUNCTION = trip_same, LEFTARG = int, RIGHTARG = int, NEGATOR = ===);
CREATE OPERATOR ?^? (FUNCTION = pg_cancel_backend, RIGHTARG = int);

CREATE DOMAIN trip_domain AS int CHECK (trip(VALUE) IS NOT NULL);
CREATE DOMAIN trip_deep AS trip_domain;
CREATE TYPE trip_pair AS (a trip_domain, b text);
CREATE TYPE trip_kind AS (x int, y int);
CREATE FUNCTION trip_kind_to_int(trip_kind) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.trip(1); END $$;
CREATE CAST (trip_kind AS int) WITH FUNCTION trip_kind_to_int(trip_kind) AS IMPLICIT;
CREATE FUNCTION trip_to_point(bool) RETURNS point LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM public.trip(1); RETURN point(0, 0); END $$;
CREATE CAST (bool AS point) WITH FUNCTION trip_to_point(bool);

CREATE AGGREGATE trip_total(int) (SFUNC = trip_sum, STYPE = int, INITCOND = '0');
CREATE AGGREGATE trip_last(int) (SFUNC = int4pl, STYPE = int, FINALFUNC = trip, INITCOND = '0');
CREATE AGGREGATE harmless_total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');

CREATE FUNCTION point_compares(point, point) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM public.trip(1); RETURN 0; END $$;
CREATE FUNCTION point_less(point, point) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT public.point_compares($1, $2) < 0';
CREATE FUNCTION point_same(point, point) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT public.point_compares($1, $2) = 0';
CREATE FUNCTION point_more(point, point) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT public.point_compares($1, $2) > 0';
CREATE OPERATOR <# (FUNCTION = point_less, LEFTARG = point, RIGHTARG = point);
CREATE OPERATOR =# (FUNCTION = point_same, LEFTARG = point, RIGHTARG = point);
CREATE OPERATOR ># (FUNCTION = point_more, LEFTARG = point, RIGHTARG = point);
CREATE OPERATOR CLASS trip_points DEFAULT FOR TYPE point USING btree AS
    OPERATOR 1 <#, OPERATOR 3 =#, OPERATOR 5 >#, FUNCTION 1 point_compares(point, point);
CREATE FUNCTION trip_compares(trip_kind, trip_kind) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM public.trip(1); RETURN 0; END $$;
CREATE FUNCTION kind_less(trip_kind, trip_kind) RETURNS bool LANGUAGE sql IMMUTABLE
    AS 'SELECT public.trip_compares($1, $2) < 0';
CREATE FUNCTION kind_same(trip_kind, trip_kind) RETURNS bool LANGUAGE sql IMMUTABLE
    AS 'SELECT public.trip_compares($1, $2) = 0';
CREATE OPERATOR < (FUNCTION = kind_less, LEFTARG = trip_kind, RIGHTARG = trip_kind);
CREATE OPERATOR = (FUNCTION = kind_same, LEFTARG = trip_kind, RIGHTARG = trip_kind);
CREATE OPERATOR CLASS trip_kinds DEFAULT FOR TYPE trip_kind USING btree AS
    OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 trip_compares(trip_kind, trip_kind);

CREATE TABLE kinds (id int, kind trip_kind);
INSERT INTO kinds VALUES (1, (1, 2)), (2, (3, 4));
CREATE TABLE tested (id int, size trip_domain);
CREATE TABLE pairs (id int, pair trip_pair);
CREATE TABLE guarded (id int, name text);
INSERT INTO guarded VALUES (1, 'a'), (2, 'b');
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY trip_policy ON guarded USING (trip(id) > 0);
CREATE VIEW v_trip AS SELECT public.trip(1) AS a;
CREATE VIEW v_nested AS SELECT v.a, t.id FROM v_trip AS v, victim AS t;
CREATE VIEW v_reload AS SELECT pg_reload_conf() AS a;
CREATE VIEW v_filter AS SELECT id FROM victim WHERE trip_sql(id) > 0;
CREATE VIEW v_operator AS SELECT id @+@ 1 AS a FROM victim;
CREATE VIEW v_domain AS SELECT id::trip_domain AS a FROM victim;
CREATE VIEW v_aggregate AS SELECT trip_total(id) AS a FROM victim;
CREATE VIEW v_next AS SELECT nextval('numbers') AS a;
CREATE VIEW v_points AS SELECT DISTINCT spot FROM victim;
CREATE VIEW v_subquery AS SELECT id, (SELECT max(trip(s.id)) FROM victim AS s) AS a FROM victim;
CREATE VIEW v_dblink AS SELECT * FROM dblink('{dsn}', 'DELETE FROM victim RETURNING id') AS t (id int);
CREATE RECURSIVE VIEW v_recursive (n) AS SELECT public.trip(1) UNION ALL SELECT n + 1 FROM v_recursive WHERE n < 3;
CREATE TABLE indexed (id int, a int);
INSERT INTO indexed SELECT i, i FROM generate_series(1, 100) AS i;
CREATE INDEX ON indexed ((a + public.trip(1)));
CREATE INDEX ON indexed (id) WHERE a > trip(0);
CREATE TABLE inlined (id int, a int);
INSERT INTO inlined SELECT i, i FROM generate_series(1, 100) AS i;
CREATE FUNCTION hides(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + public.trip(1)';
CREATE INDEX ON inlined (hides(a));
CREATE TABLE parent (id int, a int);
CREATE TABLE child (CHECK (a > trip(-5))) INHERITS (parent);
INSERT INTO child VALUES (1, 1);
CREATE TABLE counted (a int, b int);
INSERT INTO counted SELECT i, i FROM generate_series(1, 100) AS i;
CREATE STATISTICS trip_statistics ON (a + public.trip(2)), b FROM counted;
CREATE TABLE parted (id int, a int) PARTITION BY RANGE ((a + public.trip(0)));
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE points_indexed (spot point);
INSERT INTO points_indexed SELECT point(i, i) FROM generate_series(1, 100) AS i;
CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{port}', dbname 'traps');
CREATE USER MAPPING FOR postgres SERVER here OPTIONS (user 'postgres');
CREATE FOREIGN TABLE far (a int) SERVER here OPTIONS (table_name 'v_trip');
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE command (a text) SERVER files OPTIONS (program 'echo 1 | tee {canary}');
CREATE VIEW v_far AS SELECT a FROM far;

CREATE SCHEMA shadow;
CREATE FUNCTION shadow.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM public.trip(1); RETURN $1; END $$;
CREATE FUNCTION shadow.count(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.trip(1); END $$;
CREATE FUNCTION shadow.same(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN public.trip(1) OPERATOR(pg_catalog.=) 1; END $$;
CREATE FUNCTION shadow.same(oid, oid) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN public.trip(1) OPERATOR(pg_catalog.=) 1; END $$;
CREATE FUNCTION shadow.same(text, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN public.trip(1) OPERATOR(pg_catalog.=) 1; END $$;
CREATE OPERATOR shadow.= (FUNCTION = shadow.same, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR shadow.= (FUNCTION = shadow.same, LEFTARG = oid, RIGHTARG = oid);
CREATE OPERATOR shadow.= (FUNCTION = shadow.same, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION shadow.current_schemas(bool) RETURNS name[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM public.trip(1); RETURN ARRAY['pg_catalog']; END $$;
CREATE VIEW shadow.pg_class AS SELECT public.trip(1) AS oid, 'x'::text AS relname;
CREATE TYPE shadow.mood AS ENUM ('sad', 'glad');
CREATE TABLE shadow.moods (mood shadow.mood);
INSERT INTO shadow.moods VALUES ('sad');
CREATE ROLE shadowed SUPERUSER LOGIN;
ALTER ROLE shadowed IN DATABASE traps SET search_path = shadow, pg_catalog, public;
SELECT setval('trace_at_seq', 1);
TRUNCATE trace;
"""

_STATE = """
SELECT json_build_object(
    'wal', pg_current_wal_insert_lsn(),
    'xid', pg_snapshot_xmax(pg_current_snapshot())::text,
    'trace', (SELECT count(*) FROM trace),
    'configured', pg_conf_load_time(),
    'data', (SELECT md5(string_agg(v::text || v.xmin::text || v.ctid::text, ',' ORDER BY id)) FROM victim AS v),
    'sequences', (SELECT json_agg(s ORDER BY s.sequencename) FROM pg_sequences AS s),
    'objects', (SELECT count(*) FROM pg_largeobject_metadata),
    'prepared', (SELECT count(*) FROM pg_prepared_xacts),
    'advisory', (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),
    'settings', (SELECT md5(string_agg(s.name || s.setting || s.source, ',' ORDER BY s.name)) FROM pg_settings AS s
        WHERE s.name NOT IN ('application_name')),
    'file settings', (SELECT json_agg(f ORDER BY f.seqno) FROM pg_file_settings AS f),
    'roles', (SELECT md5(string_agg(r::text, ',' ORDER BY r.oid)) FROM pg_authid AS r),
    'databases', (SELECT md5(string_agg(d.datname || d.datconnlimit, ',' ORDER BY d.oid)) FROM pg_database AS d),
    'relations', (SELECT count(*) FROM pg_class),
    'functions', (SELECT md5(string_agg(p.proname || p.xmin::text, ',' ORDER BY p.oid)) FROM pg_proc AS p),
    'slots', (SELECT count(*) FROM pg_replication_slots),
    'reset', (SELECT json_agg(d.stats_reset ORDER BY d.datname) FROM pg_stat_database AS d),
    'shared reset', (SELECT b.stats_reset FROM pg_stat_bgwriter AS b),
    'statements reset', (SELECT i.stats_reset FROM public.pg_stat_statements_info AS i),
    'bystander', (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bystander'),
    'started', pg_postmaster_start_time(),
    'snapshots', (SELECT count(*) FROM pg_ls_dir('pg_snapshots'))
)
"""
_QUICK = """
SELECT pg_current_wal_insert_lsn()::text || ' ' || pg_snapshot_xmax(pg_current_snapshot())::text || ' '
    || pg_conf_load_time()::text || ' ' || (SELECT count(*) FROM trace)::text || ' '
    || (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bystander')::text || ' '
    || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')::text || ' '
    || (SELECT coalesce(max(d.stats_reset)::text, '') FROM pg_stat_database AS d)
"""


def lay(server: PostgresServer, canary: Path) -> None:
    """Make the database `traps`, and the role `shadowed`, for whom a schema of traps stands before pg_catalog."""
    dsn = f"host=127.0.0.1 port={server.port} dbname=traps user=postgres"
    server.sql("CREATE DATABASE traps")
    server.sql(
        "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION adminpack"
        if server.version < 17
        else "CREATE EXTENSION pg_stat_statements",
        database="traps",
    )
    script = _TRAPS.format(dsn=dsn, port=server.port, canary=canary)
    server.sql(script, database="traps")
    # Nothing is left to be tidied up by those who read.
    server.sql("ANALYZE", "VACUUM (FREEZE)", "VACUUM (FREEZE)", "CHECKPOINT", database="traps")


def full_state(server: PostgresServer) -> dict[str, object]:
    """All that a statement could have changed and a query can tell."""
    state: dict[str, object] = json.loads("".join(line[0] for line in server.sql(_STATE, database="traps")))
    state["auto.conf"] = (server.data / "postgresql.auto.conf").read_text()
    state["files"] = sorted(path.name for path in server.data.iterdir() if path.name not in ("postmaster.pid",))
    return state


QUICK = _QUICK
