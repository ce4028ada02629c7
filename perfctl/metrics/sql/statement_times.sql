-- Calls and time of all statements of this database since the counters were reset. {schema}: the extension's.
-- `false`: without their texts, which are read from a file. PostgreSQL 13 and later.
SELECT /* perfctl */
    coalesce(sum(s.calls), 0)::bigint AS calls,
    coalesce(sum(s.total_exec_time), 0)::float8 AS total_ms
FROM {schema}.pg_stat_statements(false) AS s
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
