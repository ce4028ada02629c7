-- Sessions that wait for a lock, the longest first.
SELECT /* perfctl */
    a.pid, a.usename::text AS username,
    extract(epoch FROM clock_timestamp() - coalesce((SELECT min(l.waitstart) FROM pg_catalog.pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted), clock_timestamp()))::float8 AS seconds
FROM pg_catalog.pg_stat_activity AS a
WHERE a.wait_event_type = 'Lock'
ORDER BY seconds DESC
