-- PostgreSQL 13 does not say since when it counts; unreadable: statements of others that this role may not see.
SELECT /* perfctl */
    NULL::timestamptz AS since,
    NULL::bigint AS evicted,
    count(*) FILTER (WHERE s.queryid IS NULL) AS unreadable,
    current_database()::text AS database
FROM {schema}.pg_stat_statements(false) AS s
