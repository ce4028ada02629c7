-- Sessions that wait for a lock, the longest first. PostgreSQL 13 does not say since when they wait.
SELECT /* perfctl */
    a.pid, a.usename::text AS username,
    extract(epoch FROM clock_timestamp() - coalesce(a.query_start, clock_timestamp()))::float8 AS seconds
FROM pg_catalog.pg_stat_activity AS a
WHERE a.wait_event_type = 'Lock'
ORDER BY seconds DESC
