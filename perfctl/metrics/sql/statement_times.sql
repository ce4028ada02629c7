-- Calls and time of all statements of this database since the counters were reset, but for perfctl's own and those that
-- only steer a session, which their texts tell. {schema}: the extension's. PostgreSQL 13 and later.
SELECT /* perfctl */
    coalesce(sum(s.calls), 0)::bigint AS calls,
    coalesce(sum(s.total_exec_time), 0)::float8 AS total_ms
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND position('/* perfctl' IN coalesce(s.query, '')) = 0
    AND coalesce(s.query, '') !~* '^\s*(begin|start|rollback|abort|savepoint|release|set|reset|show|discard|deallocate|explain)\M'
    AND coalesce(s.query, '')
        !~* '^\s*select\s+(current_setting\([^()]*\)\s+as\s+cur,\s*)?set_config\([^()]*\)(\s+as\s+\w+)?\s*;?\s*$'
