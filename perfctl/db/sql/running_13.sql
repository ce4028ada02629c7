-- What each session of a client runs, or ran last and how long that took. Before PostgreSQL 14 there is no queryid.
SELECT /* perfctl */
    a.pid, a.datname::text AS database, a.usename::text AS username, a.application_name AS application,
    a.state = 'active' AS running, a.query_start AS started,
    CASE WHEN a.state = 'active' THEN clock_timestamp() ELSE a.state_change END AS seen,
    a.query, NULL::bigint AS queryid
FROM pg_catalog.pg_stat_activity AS a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND a.query_start IS NOT NULL AND a.query <> '' AND a.application_name <> 'perfctl'
  AND (a.state = 'active' OR a.state_change > $1::timestamptz)
  AND ($2::text IS NULL OR a.datname = coalesce(nullif($2::text, ''), current_database()))
