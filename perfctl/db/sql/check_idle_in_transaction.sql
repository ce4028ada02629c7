-- Sessions that hold a transaction open and do nothing, the longest first.
SELECT /* perfctl */
    a.pid, a.usename::text AS username, a.application_name AS application,
    extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS seconds
FROM pg_catalog.pg_stat_activity AS a
WHERE a.state LIKE 'idle in transaction%'
ORDER BY seconds DESC
